import { runService } from '@tapecast/runtime/service';
import { startBackupService } from './backup-service.ts';
import { loadSettings } from './settings.ts';

const settings = loadSettings();

await runService({
  name: 'backup',
  level: settings.LOG_LEVEL,
  metricsPort: settings.METRICS_PORT,
  metricsHost: settings.METRICS_HOST,
  start: (context) => startBackupService(settings, context),
});
