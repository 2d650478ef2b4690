/** What the web service reads from the environment. */
import { databaseSettings, requireDatabase, serviceSettings } from '@tapecast/runtime/settings';
import { z } from 'zod';
import { parseNetworks } from './client-address.ts';
import { DEFAULT_LIMITS } from './limits.ts';
import { parseOrigins } from './origins.ts';

/** A list in one variable; what is wrong with it is told in the parser's words. */
const list = (parse: (text: string) => string[]) =>
  z
    .string()
    .default('')
    .transform((text, context) => {
      try {
        return parse(text);
      } catch (error) {
        context.addIssue({ code: 'custom', message: error instanceof Error ? error.message : String(error) });
        return z.NEVER;
      }
    });
const count = (fallback: number, least: number, most: number) =>
  z.coerce.number({ error: 'must be a number' }).int().min(least).max(most).default(fallback);

const shape = z.object({
  ...databaseSettings,
  ...serviceSettings,
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65_535).default(3_000),
  BASE_PATH: z
    .string()
    .regex(/^(\/[A-Za-z0-9._~-]+)*$/, 'must begin with a slash and end without one, such as /stocks')
    .default(''),
  TRUSTED_PROXIES: list(parseNetworks),
  ALLOWED_ORIGINS: list(parseOrigins),
  FLUSH_INTERVAL_MS: z.coerce.number({ error: 'must be milliseconds' }).min(1).max(1_000).default(100),
  EDGE_NOTICE_SECONDS: z.coerce.number({ error: 'must be seconds' }).min(0).max(600).default(0),
  DRAIN_SECONDS: z.coerce.number({ error: 'must be seconds' }).min(0).max(600).default(0.5),
  SOCKET_COMPRESSION: z.enum(['on', 'off']).default('off'),
  MAX_SERIES_PER_SOCKET: count(DEFAULT_LIMITS.seriesPerSocket, 1, 100_000),
  MAX_MESSAGE_BYTES: count(DEFAULT_LIMITS.messageBytes, 1_024, 16 * 1_024 * 1_024),
  MAX_REQUESTS_PER_SECOND: count(DEFAULT_LIMITS.requestsPerSecond, 1, 10_000),
  MAX_REQUEST_BURST: count(DEFAULT_LIMITS.requestBurst, 1, 10_000),
  MAX_CONNECTIONS_PER_ADDRESS: count(DEFAULT_LIMITS.connectionsPerAddress, 1, 1_000_000),
});

export type WebConfig = z.output<typeof shape>;
export const webConfig = shape.superRefine(requireDatabase);

/** What a stop takes beyond leaving the clients their time. */
const STOP_SPARE_SECONDS = 10;

/** Longest time that an orderly stop takes, in milliseconds; stacks must grant as much. */
export function stopTimeoutMs({ EDGE_NOTICE_SECONDS, DRAIN_SECONDS }: WebConfig): number {
  return 1_000 * (EDGE_NOTICE_SECONDS + DRAIN_SECONDS + STOP_SPARE_SECONDS);
}

/** The part that the services take as it is. */
export function serviceOptions(config: WebConfig) {
  return {
    flushIntervalMs: config.FLUSH_INTERVAL_MS,
    edgeNoticeSeconds: config.EDGE_NOTICE_SECONDS,
    drainSeconds: config.DRAIN_SECONDS,
    trustedProxies: config.TRUSTED_PROXIES,
    allowedOrigins: config.ALLOWED_ORIGINS,
    basePath: config.BASE_PATH,
    compression: config.SOCKET_COMPRESSION === 'on',
    limits: {
      seriesPerSocket: config.MAX_SERIES_PER_SOCKET,
      messageBytes: config.MAX_MESSAGE_BYTES,
      requestsPerSecond: config.MAX_REQUESTS_PER_SECOND,
      requestBurst: config.MAX_REQUEST_BURST,
      connectionsPerAddress: config.MAX_CONNECTIONS_PER_ADDRESS,
    },
  };
}
