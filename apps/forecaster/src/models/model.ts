/**
 * What every model is: a pure function from a series to the path it expects. Quantiles around the path come from
 * intervals.ts, the same way for every model, because models' own intervals promise more than they keep.
 */

/** A series that this model, or any model, cannot say anything honest about. */
export interface Refusal {
  refused: 'short' | 'constant' | 'gappy' | 'not-positive' | 'no-season' | 'model-failed';
  /** For people: what was found, and what would do. */
  message: string;
}

export interface ForecastInput {
  /** Closes, oldest first, one per bar. NaN stands for a bar without a price. */
  closes: ArrayLike<number>;
  /** What else is known of the same bars, for the models that make use of it; NaN where a bar has none. */
  highs?: ArrayLike<number>;
  lows?: ArrayLike<number>;
  volumes?: ArrayLike<number>;
  /** Seasonal periods in bars, rising; empty when there are none. */
  season: readonly number[];
  /** Bars ahead. */
  horizon: number;
  /** Quantile levels in (0, 1), rising. */
  levels: readonly number[];
}

/** One row for each bar ahead, one price for each level, rising within a row. */
export type Quantiles = number[][];

export interface Model {
  readonly name: string;
  /**
   * The path expected after the last value, `horizon` long. Everything is a logarithm of a price; no value is NaN.
   * A model sees nothing but what it is given here, so that it can be asked again at any earlier moment.
   * @param indicators one row for each value, knowing nothing later than that value (indicators.ts)
   */
  path(
    logs: Float64Array,
    season: readonly number[],
    horizon: number,
    indicators?: readonly Float64Array[],
  ): Float64Array | Refusal;
}

export function isRefusal<T>(outcome: T | Refusal): outcome is Refusal {
  return typeof outcome === 'object' && outcome !== null && 'refused' in outcome;
}
