/**
 * What a series lacks: bars of its exchange's sessions that the source itself has not given, apart from those that it was
 * asked for and does not have. A live bar, merged from quotes, holds a place until the vendor's own bar is there.
 */
import { sessionBars } from '@tapecast/calendar/bars';
import { type Session } from '@tapecast/calendar/sessions';
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { type Database } from '@tapecast/db/database';
import { listEmptyRanges, type KeyRange, type VendorSeries } from '@tapecast/db/empty-ranges';
import { listBarTimes, type StoredBarTime } from '@tapecast/db/write-bars';

const DAY = 86_400;

/** Bars that follow each other in the sessions and are all missing. */
export interface Gap extends KeyRange {
  bars: number;
}

export interface SeriesGaps {
  gaps: Gap[];
  /** Bars that are missing, and known to be missing at the vendor too. */
  confirmedEmpty: number;
}

/**
 * @param options.range keys, both included
 * @param options.again bars count as missing although the vendor is known not to have them
 */
export async function findGaps(
  db: Database,
  series: VendorSeries,
  session: Session,
  { range, again }: { range: KeyRange; again: boolean },
): Promise<SeriesGaps> {
  const { from, to } = range;
  if (to < from) return { gaps: [], confirmedEmpty: 0 };
  const [stored, empty] = await Promise.all([
    listBarTimes(db, series.resolution, series.ticker, from, to),
    again ? [] : listEmptyRanges(db, series, range),
  ]);
  return gapsBetween(sessionBars(session, series.resolution, from, to), stored, empty);
}

/** @param expected keys of the sessions' bars, rising; @param empty rising in their beginnings */
export function gapsBetween(
  expected: readonly UnixSeconds[],
  stored: readonly StoredBarTime[],
  empty: readonly KeyRange[],
): SeriesGaps {
  const given = new Set(stored.filter(({ live }) => !live).map(({ time }) => time));
  // A market that was open against its calendar has live bars where no session is.
  const live = stored.filter((bar) => bar.live).map(({ time }) => time);
  const wanted = live.length === 0 ? expected : [...new Set([...expected, ...live])].sort((a, b) => a - b);
  const found: SeriesGaps = { gaps: [], confirmedEmpty: 0 };
  let gap: Gap | undefined;
  let place = 0;
  let emptyUntil = Number.NEGATIVE_INFINITY;
  for (const key of wanted) {
    for (let range = empty[place]; range !== undefined && range.from <= key; range = empty[(place += 1)]) {
      emptyUntil = Math.max(emptyUntil, range.to);
    }
    const there = given.has(key);
    if (there || key <= emptyUntil) {
      if (!there) found.confirmedEmpty += 1;
      gap = undefined;
    } else if (gap === undefined) {
      gap = { from: key, to: key, bars: 1 };
      found.gaps.push(gap);
    } else {
      gap.to = key;
      gap.bars += 1;
    }
  }
  return found;
}

/** Gaps nearer to each other than this are asked for together: a request costs more than rows that are there already. */
const TOGETHER: Record<NativeResolution, number> = { '1m': 7 * DAY, '1h': 90 * DAY, '1d': 400 * DAY };

/** Ranges to ask for, newest first; a gap of any length stays one. */
export function askTogether(resolution: NativeResolution, gaps: readonly KeyRange[]): KeyRange[] {
  const ranges: KeyRange[] = [];
  for (const { from, to } of gaps.toSorted((a, b) => a.from - b.from)) {
    const last = ranges.at(-1);
    const near = last !== undefined && (from <= last.to || to - last.from <= TOGETHER[resolution]);
    if (near) last.to = unixSeconds(Math.max(last.to, to));
    else ranges.push({ from, to });
  }
  return ranges.reverse();
}
