import { runService } from '@tapecast/runtime/service';
import { startIngestor } from './ingestor.ts';
import { loadSettings } from './settings.ts';

const settings = loadSettings();

await runService({
  name: 'ingestor',
  level: settings.LOG_LEVEL,
  metricsPort: settings.METRICS_PORT,
  metricsHost: settings.METRICS_HOST,
  start: (context) => startIngestor(settings, context),
});
