/** Classical decomposition in logarithms (so multiplicative in prices), one season after the other. */

export interface Decomposition {
  /** What remains without the seasons. */
  adjusted: Float64Array;
  /** Sum of the seasonal figures at a position, which may lie beyond the end. */
  seasonal(position: number): number;
}

/** A season that was seen less often than this is left in. */
const FEWEST_CYCLES = 2;

/** @param season periods in bars, rising */
export function decompose(logs: Float64Array, season: readonly number[]): Decomposition {
  const adjusted = logs.slice();
  const figures: Float64Array[] = [];
  for (const period of season) {
    if (period < 2 || FEWEST_CYCLES * period > logs.length) continue;
    const figure = seasonalFigure(adjusted, period);
    for (let i = 0; i < adjusted.length; i++) adjusted[i] = (adjusted[i] ?? 0) - (figure[i % period] ?? 0);
    figures.push(figure);
  }
  return {
    adjusted,
    seasonal: (position) => figures.reduce((sum, figure) => sum + (figure[position % figure.length] ?? 0), 0),
  };
}

/** Average deviation of each phase from the centred moving average of one period; its mean is 0. */
function seasonalFigure(values: Float64Array, period: number): Float64Array {
  const before = period >> 1;
  const even = period % 2 === 0;
  const figure = new Float64Array(period);
  const counts = new Float64Array(period);
  let window = 0;
  for (let i = 0; i < period; i++) window += values[i] ?? 0;
  for (let start = 0; start + period <= values.length - (even ? 1 : 0); start++) {
    const next = window - (values[start] ?? 0) + (values[start + period] ?? 0);
    const trend = (even ? (window + next) / 2 : window) / period;
    const centre = start + before;
    figure[centre % period] = (figure[centre % period] ?? 0) + (values[centre] ?? 0) - trend;
    counts[centre % period] = (counts[centre % period] ?? 0) + 1;
    window = next;
  }
  const averages = figure.map((sum, phase) => sum / Math.max(1, counts[phase] ?? 0));
  const mean = averages.reduce((a, b) => a + b, 0) / period;
  return averages.map((value) => value - mean);
}
