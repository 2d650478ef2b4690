/** Fetches a range of a series and writes it: the one way by which vendor bars reach the tables. */
import { sessionOf } from '@tapecast/calendar/sessions';
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { listSplits, recordActions } from '@tapecast/db/corporate-actions';
import { type JudgedBar, writeJudgedBars } from '@tapecast/db/bar-repairs';
import { type Database } from '@tapecast/db/database';
import { recordRejections } from '@tapecast/db/rejections';
import { seedLiveHour } from '@tapecast/db/seed-live-hour';
import { describeTicker } from '@tapecast/db/tickers';
import { type PriceRow, readNeighbours } from '@tapecast/db/write-bars';
import { judgeBars, MARGIN_BARS } from './bar-repair/judge-bars.ts';
import { type Clock } from './clock.ts';
import { normaliseBars } from './normalise.ts';
import { type InstrumentBook } from './instrument-book.ts';
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
  /** Bars that cannot be right, or are doubtful, and were not known as such. */
  doubtful: number;
  /** What was told of splits and dividends makes stored bars due to be restated. */
  restate: boolean;
}

/**
 * @param query its `from` is made by vendorFrom
 * @param beforeWrite gets each page's bars as the source gave them
 * @throws {VendorError | DatabaseUnavailableError} what was written until then stays
 */
export async function fillSeries(
  context: FillContext,
  query: BarsQuery,
  signal: AbortSignal,
  beforeWrite?: (rows: PriceRow[]) => Promise<unknown>,
): Promise<FillResult> {
  const { db, source, book, clock } = context;
  const { ticker, resolution, order } = query;
  const result: FillResult = { bars: 0, changed: 0, rejected: 0, doubtful: 0, restate: false };
  let described = false;
  let splitAhead = false;
  /** Of the page before, those next to this one: only now both of their sides are known. */
  let edge: PriceRow[] = [];
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
    const { due, splitDue } = await recordActions(db, ticker, page.actions, source.name);
    result.restate ||= due > 0;
    splitAhead ||= splitDue > 0;
    await beforeWrite?.(wanted);
    const unsure = [...wanted, ...edge].sort((a, b) => a.time - b.time);
    // Beside bars that are still to be restated nothing can be judged: it is when they have been.
    const judged = splitAhead ? unsure.map(asItCame) : await judge(db, resolution, unsure);
    const { changed, found } = await writeJudgedBars(db, resolution, judged);
    edge = order === 'newest-first' ? wanted.slice(0, MARGIN_BARS) : wanted.slice(-MARGIN_BARS);
    // Days come absolute with every quote, and a minute is over before it is missed.
    if (resolution === '1h' && forming !== null) await seedLiveHour(db, forming);
    await recordRejections(db, rejected);
    result.bars += wanted.length;
    result.changed += changed;
    result.doubtful += found;
    result.rejected += rejected.length;
    signal.throwIfAborted();
  }
  return result;
}

async function judge(db: Database, resolution: NativeResolution, rows: readonly PriceRow[]): Promise<JudgedBar[]> {
  const first = rows[0];
  const last = rows.at(-1);
  if (first === undefined || last === undefined) return [];
  const { ticker } = first;
  const [beside, splits] = await Promise.all([
    readNeighbours(db, resolution, ticker, { from: first.time, to: last.time, margin: MARGIN_BARS }),
    listSplits(db, ticker),
  ]);
  const known = splits.map(({ since, exDate, ratio }) => ({ time: resolution === '1d' ? exDate : since, ratio }));
  return judgeBars({ resolution, bars: rows, ...beside, splits: known });
}

function asItCame(row: PriceRow): JudgedBar {
  return { row, judgement: { verdict: 'open' } };
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
