import { pino, type Logger } from 'pino';

export type { Logger };

/** JSON lines on stdout, one event each; readable lines where a person is looking. */
export function createLogger(options: { service: string; level?: string }): Logger {
  const { service, level = 'info' } = options;
  const base = { level, base: { service }, timestamp: () => `,"time":"${new Date().toISOString()}"` };
  if (!process.stdout.isTTY) return pino({ ...base, serializers: { err: pino.stdSerializers.err } });
  return pino({ ...base, transport: { target: 'pino-pretty', options: { ignore: 'pid,hostname,service' } } });
}
