/** Fetches a range of a series and writes it: the one way by which vendor bars reach the tables. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { unixSeconds } from '@tapecast/contracts/units';
import { type Database } from '@tapecast/db/database';
import { recordRejections } from '@tapecast/db/rejections';
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

/** @throws {VendorError | DatabaseUnavailableError} what was written until then stays */
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
    const { rows, rejected } = normaliseBars({
      page,
      resolution,
      session: book.sessionOf(page.instrument),
      source: source.name,
      delaySeconds: book.delayOf(ticker),
      now: clock.now() / 1_000,
    });
    const wanted = rows.filter(({ time }) => time >= earliestKey(resolution, query.from));
    const { changed } = await writeBars(db, resolution, wanted);
    await recordRejections(db, rejected);
    result.bars += wanted.length;
    result.changed += changed;
    result.rejected += rejected.length;
    signal.throwIfAborted();
  }
  return result;
}

/** A vendor may give the bar in which the range begins; a day's key may lie before the moment that was asked for. */
function earliestKey(resolution: NativeResolution, from: number): number {
  return resolution === '1d' ? from - 86_400 : from - 3_600;
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

/** From where a range that begins at a stored bar is asked for. */
export function fromKey(resolution: NativeResolution, key: number) {
  // A 1d key is a date; exchanges east of Greenwich begin it up to 14 hours before that date's midnight in UTC.
  return unixSeconds(resolution === '1d' ? key - 14 * 3_600 : key);
}
