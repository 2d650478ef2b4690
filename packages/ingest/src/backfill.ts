/** What of a series is missing: all of it at first start, what came after the newest stored bar later. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { type Database } from '@tapecast/db/database';
import { listBarTimes, newestBarTimes } from '@tapecast/db/write-bars';
import { vendorFrom } from './fill.ts';
import { type BarsQuery } from './sources/source.ts';

const DAY = 86_400;

/** How far back each resolution is filled. */
const DEPTH_DAYS: Record<NativeResolution, number> = { '1m': 7, '1h': 730, '1d': 3_653 };

/** The longest stretch without trading at which a history may begin: a weekend with holidays around it. */
const SLACK = 5 * DAY;

/** @param backfillFrom moves the beginning of 1d; finer bars keep their depth but begin no earlier */
export function historyStart(resolution: NativeResolution, now: number, backfillFrom: UnixSeconds | null): UnixSeconds {
  const usual = now - DEPTH_DAYS[resolution] * DAY;
  if (backfillFrom === null) return unixSeconds(usual);
  return unixSeconds(resolution === '1d' ? backfillFrom : Math.max(usual, backfillFrom));
}

export interface StoredRange {
  /** Time of the newest vendor bar. */
  newest: UnixSeconds;
  /** Whether bars are stored from the wanted beginning on. */
  reachesStart: boolean;
}

/**
 * A first fill goes from new to old, so that charts show soon; when it was cut short its beginning is missing, and it is
 * run again. A later fill goes from old to new: cut short, it can go on after its newest bar.
 */
export function planFill(range: { from: UnixSeconds; to: UnixSeconds; stored: StoredRange | null }) {
  const { from, to, stored } = range;
  if (stored === null || !stored.reachesStart) return { from, to, order: 'newest-first' as const };
  return { from: unixSeconds(Math.max(from, stored.newest)), to, order: 'oldest-first' as const };
}

export async function storedRange(
  db: Database,
  ticker: Ticker,
  resolution: NativeResolution,
  from: UnixSeconds,
): Promise<StoredRange | null> {
  const newest = (await newestBarTimes(db, resolution, [ticker])).get(ticker);
  if (newest === undefined) return null;
  const early = await listBarTimes(db, resolution, ticker, unixSeconds(from - SLACK), unixSeconds(from + SLACK));
  return { newest, reachesStart: early.length > 0 };
}

/** What has to be asked for to complete a series now. */
export async function missingRange(
  db: Database,
  series: { ticker: Ticker; resolution: NativeResolution },
  now: number,
  backfillFrom: UnixSeconds | null,
): Promise<BarsQuery> {
  const from = historyStart(series.resolution, now, backfillFrom);
  const stored = await storedRange(db, series.ticker, series.resolution, from);
  const plan = planFill({ from, to: unixSeconds(now + 60), stored });
  return { ...series, ...plan, from: vendorFrom(series.resolution, plan.from) };
}
