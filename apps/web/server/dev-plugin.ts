/** The same hub and REST handlers inside vite's dev server. */
import type { Server as HttpServer } from 'node:http';
import { loadConfig } from '@tapecast/runtime/config';
import { createLogger } from '@tapecast/runtime/logger';
import { databaseUrl, listenUrl } from '@tapecast/runtime/settings';
import { Registry } from 'prom-client';
import type { Plugin } from 'vite';
import { webConfig } from './config.ts';
import { publishServices } from './services-global.ts';
import { openWebServices } from './services.ts';

export function tapecastDev(): Plugin {
  return {
    name: 'tapecast-dev',
    apply: 'serve',
    configureServer(vite) {
      // In middleware mode, and when a tool only loads the configuration, there is nobody to serve.
      if (vite.httpServer === null) return;
      const config = loadConfig(webConfig);
      const services = openWebServices({
        databaseUrl: databaseUrl(config),
        listenUrl: listenUrl(config),
        logger: createLogger({ service: 'web', level: config.LOG_LEVEL }),
        registry: new Registry(),
      });
      publishServices(services);
      const sockets = services.attach(vite.httpServer as HttpServer);
      vite.httpServer.once('close', () => {
        void sockets.close().then(() => services.close());
      });
    },
  };
}
