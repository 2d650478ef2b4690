/**
 * Which bars cannot be right (docs/repair.md). A bar is judged by the bars beside it: what is off by a factor that only an
 * error has, and comes back, is certain and is repaired; what is merely odd is flagged; the rest is left alone.
 */
import { type Judgement, type JudgedBar } from '@tapecast/db/bar-repairs';
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type PriceRow } from '@tapecast/db/write-bars';
import { findMixedUnits, findShiftedRuns, type KnownSplit } from './footing.ts';
import { findOddBars } from './odd-bars.ts';

export interface JudgeOptions {
  resolution: NativeResolution;
  /** The bars to be judged, one series, rising. */
  bars: readonly PriceRow[];
  /** Stored bars right before and right after them. */
  before: readonly PriceRow[];
  after: readonly PriceRow[];
  splits: readonly KnownSplit[];
}

/** Stored bars to have on each side; with fewer a bar may be left unjudged. */
export const MARGIN_BARS = 12;

export function judgeBars({ resolution, bars, before, after, splits }: JudgeOptions): JudgedBar[] {
  const all = [...before, ...bars, ...after];
  const shifted = findShiftedRuns(all, splits);
  const straight = all.map((row, index) => shifted.get(index)?.repaired ?? row);
  const mixed = findMixedUnits(straight);
  const clean = straight.map((row, index) => mixed.get(index)?.repaired ?? row);
  const odd = findOddBars(clean, resolution);
  return bars.map((row, place) => {
    const index = before.length + place;
    const certain = shifted.get(index) ?? mixed.get(index);
    return { row, judgement: certain === undefined ? odd(index) : asJudgement(certain) };
  });
}

function asJudgement(found: {
  rule: 'unit' | 'split_missing' | 'split_doubled';
  reason: string;
  repaired: PriceRow | null;
}): Judgement {
  const { rule, reason, repaired } = found;
  return repaired === null ? { verdict: 'flag', rule, reason } : { verdict: 'repair', rule, reason, repaired };
}
