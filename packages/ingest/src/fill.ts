/** Fetches a range of a series and writes it: the one way by which vendor bars reach the tables. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { type Database } from '@tapecast/db/database';
import { recordRejections } from '@tapecast/db/rejections';
import { seedLiveHour } from '@tapecast/db/seed-live-hour';
import { describeTicker } from '@tapecast/db/tickers';
import { writeBars } from '@tapecast/db/write-bars';
import { type Clock } from './clock.ts';
import { normaliseBars } from './normalise.ts';
import { type InstrumentBook } from './instrument-book.ts';
import { sessionOf } from './sessions.ts';
import { type BarsQuery, type Instrument, type PriceSource } from './sources/source.ts';

export interface FillContext {
  db: Database;
  source: PriceSource;
  book: InstrumentBook;
  clock: Clock;
}

export interface FillResult {
  /** Closed bars that the vendor gave. */
  bars: number;
  /** How many of them were news. */
  changed: number;
  rejected: number;
}

/**
 * @param query its `from` is made by vendorFrom
 * @throws {VendorError | DatabaseUnavailableError} what was written until then stays
 */
export async function fillSeries(context: FillContext, query: BarsQuery, signal: AbortSignal): Promise<FillResult> {
  const { db, source, book, clock } = context;
  const { ticker, resolution } = query;
  const result: FillResult = { bars: 0, changed: 0, rejected: 0 };
  let described = false;
  for await (const page of source.bars(query, signal)) {
    if (!described) {
      await describe(db, book, page.instrument);
      described = true;
    }
    const { rows, forming, rejected } = normaliseBars({
      page,
      resolution,
      session: book.sessionOf(page.instrument),
      source: source.name,
      delaySeconds: book.delayOf(ticker),
      now: clock.now() / 1_000,
    });
    const wanted = rows.filter(({ time }) => time >= earliestKey(resolution, query.from));
    const { changed } = await writeBars(db, resolution, wanted);
    // Days come absolute with every quote, and a minute is over before it is missed.
    if (resolution === '1h' && forming !== null) await seedLiveHour(db, forming);
    await recordRejections(db, rejected);
    result.bars += wanted.length;
    result.changed += changed;
    result.rejected += rejected.length;
    signal.throwIfAborted();
  }
  return result;
}

/** Dates begin at most this long before their midnight in UTC, in the zone furthest east. */
const EARLIEST_ZONE = 14 * 3_600;

/** The vendor's time from which a range is asked for that is to begin with a bar's key. */
export function vendorFrom(resolution: NativeResolution, key: number): UnixSeconds {
  return unixSeconds(resolution === '1d' ? key - EARLIEST_ZONE : key);
}

/** Undoes vendorFrom for dates; of finer bars the one in which the range begins is kept. */
function earliestKey(resolution: NativeResolution, from: number): number {
  return resolution === '1d' ? from + EARLIEST_ZONE : from - 3_600;
}

async function describe(db: Database, book: InstrumentBook, instrument: Instrument): Promise<void> {
  const { ticker, name, exchange, currency, timezone, instrumentType, priceDecimals } = instrument;
  const { hours } = sessionOf(instrument);
  const facts = {
    exchange,
    timezone,
    sessionOpen: hours === null ? null : hours.open / 60,
    sessionClose: hours === null ? null : hours.close / 60,
  };
  await describeTicker(db, ticker, {
    ...facts,
    ...(name === null ? {} : { name }),
    currency,
    instrumentType,
    priceDecimals,
  });
  book.learn(ticker, facts);
}
