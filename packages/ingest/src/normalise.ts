/**
 * Vendor bars to our rows: keys by the session, rows off the grid merged into the bar that they belong to, bars that
 * are still forming left to the live merge.
 */
import { barEnd, barKey } from '@tapecast/calendar/bars';
import type { Session } from '@tapecast/calendar/sessions';
import type { NativeResolution } from '@tapecast/contracts/resolution';
import type { PriceRow } from '@tapecast/db/write-bars';
import type { BarsPage, Rejection, SourceName } from './sources/source.ts';
import { validateBars, type ValidBar } from './validate.ts';

/** A vendor's bar is taken as final this long after its end (and the vendor's delay). */
export const CLOSED_GRACE_SECONDS = 10;

export interface NormaliseOptions {
  page: BarsPage;
  resolution: NativeResolution;
  session: Session;
  source: SourceName;
  delaySeconds: number;
  /** Unix seconds. */
  now: number;
}

export interface NormalisedBars {
  /** Rising, distinct times; all of them closed bars. */
  rows: PriceRow[];
  /** The newest bar while it is still forming, as the vendor tells it so far. */
  forming: PriceRow | null;
  rejected: Rejection[];
}

export function normaliseBars(options: NormaliseOptions): NormalisedBars {
  const { page, resolution, session, source, delaySeconds, now } = options;
  const { ticker } = page.instrument;
  const { kept, rejected } = validateBars(ticker, resolution, page.bars, now);
  const rows: PriceRow[] = [];
  let before: ValidBar | undefined;
  for (const bar of kept.sort((a, b) => a.time - b.time)) {
    // The same row twice is one row: its volume must not count twice.
    if (before !== undefined && isSame(before, bar)) {
      rejected.push({ ticker, resolution, reason: 'repeated_row', raw: bar });
      continue;
    }
    before = bar;
    const time = barKey(session, resolution, bar.time);
    const { open, high, low, close, closeAdj, volume } = bar;
    const previous = rows.at(-1);
    if (previous?.time === time) rows[rows.length - 1] = merged(previous, bar, resolution);
    else rows.push({ time, ticker, open, high, low, close, closeAdj, volume, source });
  }
  const closed = rows.filter(
    ({ time }) => now >= barEnd(session, resolution, time) + delaySeconds + CLOSED_GRACE_SECONDS,
  );
  return { rows: closed, forming: closed.length < rows.length ? (rows.at(-1) ?? null) : null, rejected };
}

function isSame(a: ValidBar, b: ValidBar): boolean {
  return (
    a.time === b.time &&
    a.open === b.open &&
    a.high === b.high &&
    a.low === b.low &&
    a.close === b.close &&
    a.volume === b.volume
  );
}

/** A second 1d row restates its day's volume; a second intraday row adds to its bar's. */
function merged(row: PriceRow, bar: ValidBar, resolution: NativeResolution): PriceRow {
  return {
    ...row,
    high: Math.max(row.high, bar.high),
    low: Math.min(row.low, bar.low),
    close: bar.close,
    closeAdj: bar.closeAdj ?? row.closeAdj,
    volume:
      row.volume === null || bar.volume === null
        ? (bar.volume ?? row.volume)
        : resolution === '1d'
          ? Math.max(row.volume, bar.volume)
          : row.volume + bar.volume,
  };
}
