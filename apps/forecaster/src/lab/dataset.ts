/**
 * Rows and what followed them. Whoever teaches a model says which bar is the last one known; a row whose outcome lies beyond it
 * cannot get into the lesson. That is what keeps the test part out of the training part at the divider.
 */
import { type LabFeature } from '@tapecast/contracts/lab';
import { featureRows, warmUpOf, type LabBars } from './features.ts';

export interface Dataset {
  bars: LabBars;
  columns: readonly string[];
  rows: readonly Float64Array[];
  /** 1 where the close was higher `horizon` bars later, else 0; NaN where that is not known yet. */
  rises: Float64Array;
  horizon: number;
  /** Rows before this one are not to be used. */
  warmUp: number;
}

export function createDataset(bars: LabBars, features: readonly LabFeature[], horizon: number): Dataset {
  const { rows, columns } = featureRows(bars, features);
  const rises = bars.closes.map((close, t) => {
    const later = bars.closes[t + horizon];
    if (later === undefined) return Number.NaN;
    return later > close ? 1 : 0;
  });
  return { bars, columns, rows, rises, horizon, warmUp: warmUpOf(features) };
}

/** Positions of the rows whose outcome was known when bar `lastKnown` had closed. */
export function knownRows({ warmUp, horizon }: Dataset, lastKnown: number): number[] {
  return Array.from({ length: Math.max(0, lastKnown - horizon - warmUp + 1) }, (_, i) => warmUp + i);
}

export class LeakError extends Error {
  override readonly name = 'LeakError';
}

/** @throws {LeakError} when a lesson holds an outcome that was not known then: whatever came of it would be worthless */
export function assertKnown({ horizon }: Dataset, positions: readonly number[], lastKnown: number): void {
  const leak = positions.find((t) => t + horizon > lastKnown);
  if (leak === undefined) return;
  throw new LeakError(
    `The lesson holds row ${leak}, whose outcome is bar ${leak + horizon}, but only bars up to ${lastKnown} were known.`,
  );
}

export interface Fold {
  /** The last bar that is known to the lesson. */
  lastKnown: number;
  /** Rows that judge it, all of them later. */
  judges: number[];
}

/** Walk-forward folds: each judges the block of rows that follows all bars that it may learn from. */
export function walkForward(rows: readonly number[], folds: number): Fold[] {
  const size = Math.floor(rows.length / (folds + 1));
  return Array.from({ length: folds }, (_, k) => {
    const start = rows.length - (folds - k) * size;
    // A row is judged after its own close, so its bar may be known; outcomes up to it, too.
    return { lastKnown: rows[start] ?? 0, judges: rows.slice(start, start + size) };
  });
}
