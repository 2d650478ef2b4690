/** What `gaps` and `backfill` work with: the series that are meant, and the source that the database is fed from. */
import { PricesQuery } from '@tapecast/contracts/rest';
import { NATIVE_RESOLUTIONS, NativeResolution } from '@tapecast/contracts/resolution';
import { Ticker } from '@tapecast/contracts/ticker';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { type Database } from '@tapecast/db/database';
import { readFeed } from '@tapecast/db/feed';
import { listQuotes } from '@tapecast/db/quotes';
import { listTickers } from '@tapecast/db/tickers';
import { type Scan, type SeriesName } from '@tapecast/ingest/backfill';
import { systemClock } from '@tapecast/ingest/clock';
import { type FillContext } from '@tapecast/ingest/fill';
import { createInstrumentBook } from '@tapecast/ingest/instrument-book';
import { openSource, openVendorBudget, refuseMixing } from '@tapecast/ingest/sources/open-source';
import { vendorSettings } from '@tapecast/ingest/sources/vendor-settings';
import { loadConfig } from '@tapecast/runtime/config';
import { z } from 'zod';
import { parseTickers } from './commands/tickers.ts';
import { UsageError } from './exit-codes.ts';

export interface HistoryOptions {
  resolution?: string;
  from?: string;
  again?: boolean;
}

export interface HistoryWork {
  fill: FillContext;
  series: SeriesName[];
  scan: Scan;
}

/**
 * @param names none: all tickers that are polled
 * @throws {UsageError | ConfigError | MixedSourcesError}
 */
export async function openHistory(
  db: Database,
  env: NodeJS.ProcessEnv,
  names: readonly string[],
  options: HistoryOptions,
): Promise<HistoryWork> {
  const resolutions = parseResolution(options.resolution);
  const from = parseFrom(options.from);
  const settings = loadConfig(z.object(vendorSettings), env);
  const [rows, feed, quotes] = await Promise.all([listTickers(db), readFeed(db), listQuotes(db)]);
  const stored = feed?.source;
  const wanted =
    settings.PRICE_SOURCE !== 'auto' ? settings.PRICE_SOURCE : stored === 'simulated' ? 'simulated' : 'yahoo';
  refuseMixing(stored, wanted);
  const book = createInstrumentBook();
  book.learnAll(rows);
  for (const quote of quotes) book.learnQuote(quote.ticker, quote);
  const active = rows.filter((row) => row.active).map(({ ticker }) => Ticker.parse(ticker));
  const tickers = names.length === 0 ? active : parseTickers(names);
  const unknown = tickers.filter((ticker) => !rows.some((row) => row.ticker === ticker));
  if (unknown.length > 0) {
    throw new UsageError(`${unknown.join(', ')}: not in the database. tapecast tickers add brings a ticker in.`);
  }
  return {
    // As the ingestor without the database: a part of the rate, since others may be asking too.
    fill: { db, book, clock: systemClock, source: openSource(wanted, settings, openVendorBudget(db, settings, 4)) },
    series: tickers.flatMap((ticker) => resolutions.map((resolution) => ({ ticker, resolution }))),
    scan: { from, backfillFrom: settings.BACKFILL_FROM ?? null, again: options.again === true },
  };
}

function parseResolution(text: string | undefined): readonly NativeResolution[] {
  if (text === undefined) return NATIVE_RESOLUTIONS;
  const resolution = NativeResolution.safeParse(text);
  if (resolution.success) return [resolution.data];
  throw new UsageError(`--resolution ${text}: ${NATIVE_RESOLUTIONS.join(', ')}. Others are made of these.`);
}

function parseFrom(text: string | undefined): UnixSeconds | null {
  const query = PricesQuery.safeParse({ resolution: '1d', from: text });
  if (query.success) return query.data.from ?? null;
  throw new UsageError(`--from ${text}: 2024-01-31, 2024-01-31T15:30:00Z or Unix seconds.`);
}
