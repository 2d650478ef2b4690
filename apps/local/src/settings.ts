/** The settings of a start on one machine. Services check their own again; here a mistake is told before anything runs. */
import { resolve } from 'node:path';
import { loadConfig } from '@tapecast/runtime/config';
import {
  databaseSettings,
  databaseUrl,
  pollSettings,
  queueSettings,
  serviceSettings,
} from '@tapecast/runtime/settings';
import { z } from 'zod';
import { defaultDataDir } from './public-folder.ts';

export const PRICE_SOURCES = ['auto', 'yahoo', 'simulated', 'replay'] as const;
export type PriceSource = Exclude<(typeof PRICE_SOURCES)[number], 'auto'>;

const DATE = /^\d{4}-\d{2}-\d{2}$/;
const TICKER = /^[A-Z0-9^][A-Z0-9.^=-]{0,23}$/;

const schema = z.object({
  ...databaseSettings,
  ...pollSettings,
  ...serviceSettings,
  QUEUE_URL: queueSettings.QUEUE_URL.optional(),
  PRICE_SOURCE: z.enum(PRICE_SOURCES, { error: `must be one of ${PRICE_SOURCES.join(', ')}` }).default('auto'),
  TICKERS: z
    .string()
    .refine(
      (text) => text.split(',').every((ticker) => TICKER.test(ticker.trim())),
      'must be tickers in capitals, separated by commas, such as MSFT,TSLA,BRK-B',
    )
    .optional(),
  BACKFILL_FROM: z
    .string()
    .refine((text) => DATE.test(text) && !Number.isNaN(Date.parse(text)), 'must be a date such as 2015-01-01')
    .optional(),
  YAHOO_ORIGIN: z
    .string()
    .refine(
      (text) => URL.parse(text)?.origin === text.replace(/\/$/, ''),
      'must be an origin such as http://127.0.0.1:8080',
    )
    .optional(),
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65_535).default(3_000),
  BASE_PATH: z
    .string()
    .regex(/^\/.*[^/]$/, 'must begin with a slash and end without one, such as /stocks')
    .optional(),
  DATA_DIR: z.string().optional(),
});

export interface LocalSettings {
  /** PostgreSQL to use instead of our own. */
  databaseUrl: string | null;
  databaseListenUrl: string | null;
  queueUrl: string | null;
  priceSource: PriceSource | 'auto';
  yahooOrigin: string | null;
  host: string;
  /** 0: any free port. */
  port: number;
  /** The first service's; the others get the next ones. Null: any free ports. */
  metricsPort: number | null;
  basePath: string;
  /** Absolute. */
  dataDir: string;
  logLevel: string;
}

/**
 * @param root folder of the project, which a relative DATA_DIR starts at
 * @throws {ConfigError} listing every mistake by the name of its variable
 */
export function localSettings(root: string, env: NodeJS.ProcessEnv): LocalSettings {
  const config = loadConfig(schema, env);
  const ownServer = config.DATABASE_URL === undefined && config.POSTGRES_HOST === undefined;
  return {
    databaseUrl: ownServer ? null : databaseUrl(config),
    databaseListenUrl: config.DATABASE_LISTEN_URL ?? null,
    queueUrl: config.QUEUE_URL ?? null,
    priceSource: config.PRICE_SOURCE,
    yahooOrigin: config.YAHOO_ORIGIN ?? null,
    host: config.HOST,
    port: config.PORT,
    metricsPort: config.METRICS_PORT ?? null,
    basePath: config.BASE_PATH ?? '',
    dataDir: config.DATA_DIR === undefined ? defaultDataDir(root) : resolve(root, config.DATA_DIR),
    logLevel: config.LOG_LEVEL,
  };
}
