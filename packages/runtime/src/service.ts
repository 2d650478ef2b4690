/** The life of a service: start, health, stop on a signal, and a loud end when something is fatal. */
import closeWithGrace from 'close-with-grace';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { startHealthServer } from './health.ts';
import { createLogger, type Logger } from './logger.ts';

export interface RunningService {
  /** Reasons why the service is not ready; empty when it is. */
  ready(): string[];
  /** Reasons why it is not fit yet, where that is less than ready(): what may take hours must not look like a broken start. */
  unfit?(): string[];
  stop(): Promise<void>;
}

export interface ServiceContext {
  logger: Logger;
  /** Aborted when the service is told to stop; owns every timer and request of the service. */
  signal: AbortSignal;
  registry: Registry;
}

export interface ServiceOptions {
  name: string;
  level?: string;
  metricsPort?: number | undefined;
  metricsHost?: string;
  /** Longest time that a stop may take, in milliseconds; then the process ends anyway. */
  stopTimeoutMs?: number;
  start(context: ServiceContext): Promise<RunningService>;
}

export async function runService(options: ServiceOptions): Promise<void> {
  const logger = createLogger({ service: options.name, level: options.level ?? 'info' });
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const stopping = new AbortController();
  let service: RunningService | undefined;

  const health =
    options.metricsPort === undefined
      ? undefined
      : await startHealthServer({
          port: options.metricsPort,
          host: options.metricsHost ?? '127.0.0.1',
          registry,
          notReady: () => (stopping.signal.aborted ? ['stopping'] : (service?.ready() ?? ['starting'])),
          unfit: () => service?.unfit?.() ?? service?.ready() ?? ['starting'],
        });

  closeWithGrace({ delay: options.stopTimeoutMs ?? 10_000, logger: false }, async ({ err, signal }) => {
    if (err) logger.fatal({ err }, 'the service ends because of an error that nobody handled');
    else logger.info({ signal }, 'stopping');
    stopping.abort();
    await service?.stop();
    await health?.close();
  });

  try {
    service = await options.start({ logger, signal: stopping.signal, registry });
    logger.info({ metricsPort: health?.port }, 'started');
  } catch (err) {
    if (stopping.signal.aborted) return;
    logger.fatal({ err }, 'the service could not start');
    await health?.close();
    process.exit(1);
  }
}
