/** The real hub behind its real HTTP server, without pages. */
import { createLogger } from '@tapecast/runtime/logger';
import { Registry } from 'prom-client';
import { startWebServer } from '../../apps/web/server/http.ts';
import { openWebServices } from '../../apps/web/server/services.ts';
import type { ServerReady } from './messages.ts';

const url = process.argv[2] ?? '';
const logger = createLogger({ service: 'web', level: 'warn' });
const services = openWebServices({ databaseUrl: url, listenUrl: url, logger, registry: new Registry() });
while (services.hub.notReady().length > 0) await new Promise((resolve) => setTimeout(resolve, 50));
const server = await startWebServer({
  services,
  handler: (_request, response) => response.end(),
  host: '127.0.0.1',
  port: 0,
});
process.send?.({ port: server.port } satisfies ServerReady);
process.once('disconnect', () => void server.close().then(() => services.close()));
