/** The ingestor's settings, by environment variable. */
import { Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds } from '@tapecast/contracts/units';
import { loadConfig } from '@tapecast/runtime/config';
import {
  databaseSettings,
  pollSettings,
  queueSettings,
  requireDatabase,
  serviceSettings,
} from '@tapecast/runtime/settings';
import { z } from 'zod';

const DEFAULT_TICKERS = 'MSFT,TSLA,CVX,XOM';

const TickerList = z
  .string()
  .default(DEFAULT_TICKERS)
  .transform((text) =>
    text
      .split(',')
      .map((ticker) => ticker.trim().toUpperCase())
      .filter((ticker) => ticker !== ''),
  )
  .pipe(z.array(Ticker).min(1, 'name at least one ticker, as in MSFT,TSLA'));

const BackfillFrom = z.iso
  .date('must be a date, as in 2010-01-01')
  .transform((date) => unixSeconds(Date.parse(date) / 1_000))
  .optional();

const Origin = z
  .url({ protocol: /^https?$/, error: 'must be an origin, as in http://127.0.0.1:4010' })
  .transform((url) => new URL(url).origin)
  .optional();

const Settings = z
  .object({
    ...databaseSettings,
    ...pollSettings,
    ...serviceSettings,
    /** With it, several ingestors share the polls; without it, this one polls by its own clock. */
    QUEUE_URL: queueSettings.QUEUE_URL.optional(),
    PRICE_SOURCE: z.enum(['auto', 'yahoo', 'simulated'], { error: 'must be auto, yahoo or simulated' }).default('auto'),
    TICKERS: TickerList,
    BACKFILL_FROM: BackfillFrom,
    YAHOO_ORIGIN: Origin,
    /** Requests to the vendor, polls and backfill together. */
    VENDOR_REQUESTS_PER_SECOND: z.coerce.number({ error: 'must be a number' }).positive().max(100).default(2),
    VENDOR_BURST: z.coerce.number({ error: 'must be a number' }).int().min(1).max(1_000).default(20),
    /** Another seed is another simulated history. */
    SIMULATION_SEED: z.coerce.number({ error: 'must be a whole number' }).int().default(1),
  })
  .superRefine(requireDatabase);

export type Settings = z.output<typeof Settings>;

/** @throws {ConfigError} */
export function loadSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  return loadConfig(Settings, env);
}
