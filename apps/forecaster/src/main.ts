import { runService } from '@tapecast/runtime/service';
import { startForecaster } from './forecaster.ts';
import { loadSettings } from './settings.ts';

const settings = loadSettings();

await runService({
  name: 'forecaster',
  level: settings.LOG_LEVEL,
  metricsPort: settings.METRICS_PORT,
  metricsHost: settings.METRICS_HOST,
  start: (context) => startForecaster(settings, context),
});
