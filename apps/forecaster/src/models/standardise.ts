/** A series around zero and about one wide, so that penalties and bounds mean the same for every series. */

export interface Standardised {
  /** `spare` zeros follow the values, for a forecast to be written into. */
  values: Float64Array;
  /** From the standardised scale back. */
  restore(value: number): number;
}

/** A forecast farther out than this has run away. */
const FARTHEST = 8;

export function standardise(series: Float64Array, spare = 0): Standardised {
  let [mean, variance] = [0, 0];
  for (const value of series) mean += value / series.length;
  for (const value of series) variance += (value - mean) ** 2 / series.length;
  const spread = Math.sqrt(variance) || 1;
  const values = new Float64Array(series.length + spare);
  for (let i = 0; i < series.length; i++) values[i] = ((series[i] ?? 0) - mean) / spread;
  return { values, restore: (value) => mean + spread * bounded(value) };
}

export function bounded(value: number): number {
  return Math.max(-FARTHEST, Math.min(FARTHEST, value));
}
