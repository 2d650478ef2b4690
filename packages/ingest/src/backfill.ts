/**
 * Completes a series: looks for what is missing, asks for it, and remembers what the vendor has not. Cut short at any
 * point, the next look finds what is still missing.
 */
import { type Session } from '@tapecast/calendar/sessions';
import { RESOLUTION_SECONDS, type NativeResolution } from '@tapecast/contracts/resolution';
import { type Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { confirmEmpty, type KeyRange, type VendorSeries } from '@tapecast/db/empty-ranges';
import { storedRange } from '@tapecast/db/write-bars';
import { fillSeries, vendorFrom, type FillContext, type FillResult } from './fill.ts';
import { askTogether, findGaps, type SeriesGaps } from './gaps.ts';
import { newestClosedBar } from './repair.ts';

const DAY = 86_400;

/** How far back each resolution is filled. */
const DEPTH_DAYS: Record<NativeResolution, number> = { '1m': 7, '1h': 730, '1d': 3_653 };

/** A vendor may be late with a bar: one that is younger than this is not missing for good. */
const SETTLED_SECONDS: Record<NativeResolution, number> = { '1m': 900, '1h': 3_600, '1d': DAY / 2 };

export interface SeriesName {
  ticker: Ticker;
  resolution: NativeResolution;
}

export interface Scan {
  /** Where the look begins; null: where the stored history does, or the usual depth back. */
  from?: UnixSeconds | null;
  /** Moves the beginning of 1d; finer bars keep their depth but begin no earlier. */
  backfillFrom: UnixSeconds | null;
  /** Asks once more for what the vendor had not. */
  again?: boolean;
  /** Asks for the newest bars although none is missing: for the one that is forming. */
  newest?: boolean;
}

export interface BackfillResult extends FillResult {
  /** Bars of sessions that the vendor was asked for now and has not. */
  empty: number;
}

export const NOTHING_FETCHED: BackfillResult = {
  bars: 0,
  changed: 0,
  rejected: 0,
  doubtful: 0,
  restate: false,
  empty: 0,
};

export function historyStart(resolution: NativeResolution, now: number, backfillFrom: UnixSeconds | null): UnixSeconds {
  const usual = now - DEPTH_DAYS[resolution] * DAY;
  if (backfillFrom === null) return unixSeconds(usual);
  return unixSeconds(resolution === '1d' ? backfillFrom : Math.max(usual, backfillFrom));
}

/** @returns null when nothing has described the ticker yet: then nobody knows its sessions */
export async function seriesGaps(
  context: FillContext,
  name: SeriesName,
  scan: Scan,
): Promise<(SeriesGaps & { range: KeyRange }) | null> {
  const session = context.book.knownSession(name.ticker);
  if (session === null) return null;
  const range = await rangeToScan(context, name, session, scan);
  const found = await findGaps(context.db, vendorSeries(context, name), session, {
    range,
    again: scan.again === true,
  });
  return { ...found, range };
}

/**
 * @returns null when there was nothing to ask for
 * @throws {VendorError | DatabaseUnavailableError} what was written until then stays
 */
export async function backfillSeries(
  context: FillContext,
  name: SeriesName,
  scan: Scan,
  signal: AbortSignal,
  onProgress: (result: BackfillResult) => void = () => undefined,
): Promise<BackfillResult | null> {
  const ranges = await rangesToAsk(context, name, scan);
  if (ranges.length === 0) return null;
  const total: BackfillResult = { ...NOTHING_FETCHED };
  for (const range of ranges) {
    const reach = context.source.earliest(name.resolution);
    const query = {
      ...name,
      from: vendorFrom(name.resolution, range.from),
      to: unixSeconds(Math.min(range.to + RESOLUTION_SECONDS[name.resolution], context.clock.now() / 1_000 + 60)),
      order: 'newest-first' as const,
    };
    const { bars, changed, rejected, doubtful, restate } = await fillSeries(context, query, signal);
    total.bars += bars;
    total.changed += changed;
    total.rejected += rejected;
    total.doubtful += doubtful;
    total.restate ||= restate;
    // A reply of which nothing could be kept proves nothing.
    if (bars > 0 || rejected === 0) {
      const asked = { from: unixSeconds(Math.max(range.from, reach ?? range.from)), to: range.to };
      total.empty += await confirmMissing(context, name, asked, scan.again === true);
    }
    onProgress(total);
  }
  return total;
}

async function rangesToAsk(context: FillContext, name: SeriesName, scan: Scan): Promise<KeyRange[]> {
  const { db, book, clock } = context;
  const { ticker, resolution } = name;
  const now = unixSeconds(clock.now() / 1_000);
  const found = await seriesGaps(context, name, scan);
  const session = book.knownSession(ticker);
  if (found === null || session === null) {
    return [{ from: scan.from ?? historyStart(resolution, now, scan.backfillFrom), to: now }];
  }
  const stored = await storedRange(db, resolution, ticker);
  const wanted: KeyRange[] = [...found.gaps];
  // The calendar rests and the vendor says that the market is open: all since its newest bar may be missing.
  const due = newestDue(context, name, session, now);
  if (stored !== null && stored.newest < due && due > found.range.to) wanted.push({ from: stored.newest, to: due });
  if (scan.newest === true) wanted.push({ from: stored?.newest ?? found.range.to, to: now });
  return askTogether(resolution, wanted);
}

/** From the beginning that is wanted (or stored) to the newest bar that the sessions had. */
async function rangeToScan(
  context: FillContext,
  { ticker, resolution }: SeriesName,
  session: Session,
  { from = null, backfillFrom }: Scan,
): Promise<KeyRange> {
  const now = unixSeconds(context.clock.now() / 1_000);
  const start = historyStart(resolution, now, backfillFrom);
  const oldest = from === null ? (await storedRange(context.db, resolution, ticker))?.oldest : undefined;
  const begin = from ?? Math.min(start, oldest ?? start);
  const reach = context.source.earliest(resolution) ?? begin;
  const delaySeconds = context.book.delayOf(ticker);
  return {
    from: unixSeconds(Math.max(begin, reach)),
    to: newestClosedBar(session, resolution, now, { delaySeconds, isOpen: false }),
  };
}

function newestDue({ book }: FillContext, { ticker, resolution }: SeriesName, session: Session, now: number) {
  return newestClosedBar(session, resolution, now, {
    delaySeconds: book.delayOf(ticker),
    isOpen: book.isOpen(ticker),
  });
}

/** What is still missing of a range that the vendor was asked for is nowhere to be had. */
async function confirmMissing(
  context: FillContext,
  name: SeriesName,
  asked: KeyRange,
  again: boolean,
): Promise<number> {
  const { db, book, clock } = context;
  const session = book.knownSession(name.ticker);
  if (session === null) return 0;
  const settled = newestDue(context, name, session, clock.now() / 1_000 - SETTLED_SECONDS[name.resolution]);
  const series = vendorSeries(context, name);
  const range = { from: asked.from, to: unixSeconds(Math.min(asked.to, settled)) };
  const { gaps } = await findGaps(db, series, session, { range, again });
  await confirmEmpty(db, series, gaps);
  return gaps.reduce((sum, { bars }) => sum + bars, 0);
}

function vendorSeries({ source }: FillContext, { ticker, resolution }: SeriesName): VendorSeries {
  return { ticker, resolution, source: source.name };
}
