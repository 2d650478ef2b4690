/**
 * The M4 competition's scoring and its two benchmarks, as its organisers defined them (Makridakis, Spiliotis and
 * Assimakopoulos 2020; "M4 Competitor's Guide").
 */

/** Standard normal quantile of the 90 % two-sided test. */
const CRITICAL = 1.645;
const MSIS_ALPHA = 0.05;

/** Percent, averaged over the horizon. */
export function smape(actual: readonly number[], forecast: readonly number[]): number {
  return average(
    actual.map((a, h) => (200 * Math.abs(a - at(forecast, h))) / (Math.abs(a) + Math.abs(at(forecast, h)))),
  );
}

/** Mean absolute in-sample error of the seasonal naive forecast: the unit of MASE and MSIS. */
export function seasonalScale(train: readonly number[], period: number): number {
  return average(train.slice(period).map((value, i) => Math.abs(value - at(train, i))));
}

export function mase(actual: readonly number[], forecast: readonly number[], scale: number): number {
  return average(actual.map((a, h) => Math.abs(a - at(forecast, h)))) / scale;
}

/** Mean scaled interval score of the central 95 % interval. */
export function msis95(
  actual: readonly number[],
  lower: readonly number[],
  upper: readonly number[],
  scale: number,
): number {
  const scores = actual.map((a, h) => {
    const [low, high] = [at(lower, h), at(upper, h)];
    return high - low + (2 / MSIS_ALPHA) * (Math.max(0, low - a) + Math.max(0, a - high));
  });
  return average(scores) / scale;
}

/** Overall weighted average of errors relative to Naive2's. */
export function owa(own: { smape: number; mase: number }, naive2: { smape: number; mase: number }): number {
  return (own.smape / naive2.smape + own.mase / naive2.mase) / 2;
}

export function seasonalNaive(train: readonly number[], period: number, horizon: number): number[] {
  return Array.from({ length: horizon }, (_, h) => at(train, train.length - period + (h % period)));
}

/** The last value, seasonally adjusted by classical multiplicative decomposition where a 90 % test finds a season. */
export function naive2(train: readonly number[], period: number, horizon: number): number[] {
  const indices = isSeasonal(train, period) ? seasonalIndices(train, period) : [1];
  const index = (position: number): number => at(indices, position % indices.length);
  const last = train.length - 1;
  const level = at(train, last) / index(last);
  return Array.from({ length: horizon }, (_, h) => level * index(train.length + h));
}

/** Autocorrelation at the seasonal lag against its 90 % limit under the hypothesis of no correlation from there on. */
function isSeasonal(train: readonly number[], period: number): boolean {
  if (period < 2 || train.length < 3 * period) return false;
  const mean = average(train);
  const deviations = train.map((value) => value - mean);
  const variance = deviations.reduce((sum, value) => sum + value * value, 0);
  const correlation = (lag: number): number =>
    deviations.slice(lag).reduce((sum, value, i) => sum + value * at(deviations, i), 0) / variance;
  let squares = 0;
  for (let lag = 1; lag < period; lag++) squares += correlation(lag) ** 2;
  return Math.abs(correlation(period)) > (CRITICAL * Math.sqrt(1 + 2 * squares)) / Math.sqrt(train.length);
}

/** One factor for each phase, phase 0 being that of the first value; their mean is 1. */
function seasonalIndices(train: readonly number[], period: number): number[] {
  const half = Math.floor(period / 2);
  const sums = new Array<number>(period).fill(0);
  const counts = new Array<number>(period).fill(0);
  for (let i = half; i < train.length - half; i++) {
    let total = 0;
    for (let k = -half; k <= half; k++) {
      const atEdge = period % 2 === 0 && Math.abs(k) === half;
      total += at(train, i + k) * (atEdge ? 0.5 : 1);
    }
    sums[i % period] = at(sums, i % period) + at(train, i) / (total / period);
    counts[i % period] = at(counts, i % period) + 1;
  }
  const raw = sums.map((sum, phase) => sum / at(counts, phase));
  const level = average(raw);
  return raw.map((value) => value / level);
}

export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function at(values: readonly number[], position: number): number {
  return values[position] ?? Number.NaN;
}
