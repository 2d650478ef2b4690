/** The ingestor's settings, by environment variable. */
import { Ticker } from '@tapecast/contracts/ticker';
import { vendorSettings } from '@tapecast/ingest/sources/vendor-settings';
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

const Settings = z
  .object({
    ...databaseSettings,
    ...pollSettings,
    ...serviceSettings,
    ...vendorSettings,
    /** With it, several ingestors share the polls; without it, this one polls by its own clock. */
    QUEUE_URL: queueSettings.QUEUE_URL.optional(),
    TICKERS: TickerList,
  })
  .superRefine(requireDatabase);

export type Settings = z.output<typeof Settings>;

/** @throws {ConfigError} */
export function loadSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  return loadConfig(Settings, env);
}
