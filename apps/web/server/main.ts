import { loadConfig } from '@tapecast/runtime/config';
import { runService } from '@tapecast/runtime/service';
import { stopTimeoutMs, webConfig } from './config.ts';
import { startWeb } from './start.ts';

const config = loadConfig(webConfig);
await runService({
  name: 'web',
  level: config.LOG_LEVEL,
  metricsPort: config.METRICS_PORT,
  metricsHost: config.METRICS_HOST,
  stopTimeoutMs: stopTimeoutMs(config),
  start: (context) => startWeb(config, context),
});
