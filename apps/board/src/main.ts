import { runService } from '@tapecast/runtime/service';
import { startBoard } from './board.ts';
import { loadSettings } from './settings.ts';

const settings = loadSettings();

await runService({
  name: 'board',
  level: settings.LOG_LEVEL,
  metricsPort: settings.METRICS_PORT,
  metricsHost: settings.METRICS_HOST,
  start: (context) => startBoard(settings, context),
});
