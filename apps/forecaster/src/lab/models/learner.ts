/** What every model of the lab is: from rows of numbers and what followed them to the probability of a rise. */

/** Rows are standardised: mean 0, spread 1 in the part that teaches. */
export interface Lesson {
  rows: readonly Float64Array[];
  /** 1 for a rise, 0 for none; one for each row. */
  rises: Float64Array;
  /** Uniform in [0, 1); all randomness comes from here. */
  random: () => number;
}

export type Parameters = Record<string, number>;

/** @returns probability of a rise, strictly between 0 and 1 */
export type Predictor = (row: Float64Array) => number;

export interface Learner {
  /** Used without tuning. */
  readonly defaults: Parameters;
  /** What tuning tries; the defaults are among them. */
  readonly grid: readonly Parameters[];
  learn(lesson: Lesson, parameters: Parameters): Predictor;
}

/** Nobody is ever sure of a price: keeps the probability away from 0 and 1. */
export function probability(value: number): number {
  return Number.isFinite(value) ? Math.min(0.99, Math.max(0.01, value)) : 0.5;
}

export function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-Math.max(-40, Math.min(40, value))));
}

/** Share of rises in the lesson, drawn a little towards one half. */
export function baseOf({ rises }: Lesson): number {
  return (rises.reduce((sum, rise) => sum + rise, 0) + 1) / (rises.length + 2);
}
