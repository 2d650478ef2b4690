/** Puts the web service together: services, SvelteKit's built handler, one server. */
import type { RequestListener } from 'node:http';
import { DatabaseUnavailableError } from '@tapecast/db/errors';
import { assertSchema } from '@tapecast/db/migrate';
import type { RunningService, ServiceContext } from '@tapecast/runtime/service';
import { databaseUrl, listenUrl } from '@tapecast/runtime/settings';
import { serviceOptions, type WebConfig } from './config.ts';
import { startWebServer } from './http.ts';
import { publishServices } from './services-global.ts';
import { openWebServices, type WebServices } from './services.ts';

export class NotBuiltError extends Error {
  override readonly name = 'NotBuiltError';
}

export async function startWeb(config: WebConfig, { logger, registry }: ServiceContext): Promise<RunningService> {
  const handler = await builtHandler();
  const services = openWebServices({
    databaseUrl: databaseUrl(config),
    listenUrl: listenUrl(config),
    logger,
    registry,
    ...serviceOptions(config),
  });
  publishServices(services);
  try {
    await refuseForeignSchema(services, logger);
    const server = await startWebServer({ services, handler, host: config.HOST, port: config.PORT });
    logger.info({ origin: server.origin }, 'listening');
    return {
      ready: () => services.serving.notReady(),
      async stop() {
        await server.close();
        await services.close();
      },
    };
  } catch (error) {
    await services.close();
    throw error;
  }
}

/** A database that is away must not keep the service from starting: it says so in /readyz, and goes on when it is back. */
async function refuseForeignSchema({ db }: WebServices, logger: ServiceContext['logger']): Promise<void> {
  try {
    await assertSchema(db);
  } catch (error) {
    if (!(error instanceof DatabaseUnavailableError)) throw error;
    logger.warn({ err: error }, 'the database does not answer yet');
  }
}

async function builtHandler(): Promise<RequestListener> {
  const path = new URL('../build/handler.js', import.meta.url);
  try {
    const { handler } = (await import(path.href)) as { handler: RequestListener };
    return handler;
  } catch (cause) {
    throw new NotBuiltError(
      'The web app is not built, or its build is broken: run `npm start`, or `vite build` in apps/web.',
      {
        cause,
      },
    );
  }
}
