/**
 * How far the price has moved within 1…horizon bars, in units of the volatility known at the time: the random walk's errors, which are
 * known from every bar of the series, overlapping.
 */
import { quantileOf } from './quantile.ts';
import { type Volatility } from './volatility.ts';

/** For each step ahead the pooled absolute residuals in units of the scale, rising. */
export interface ErrorShape {
  /** Half-width, in units of the scale, of the band that holds the share `coverage` of outcomes. */
  halfWidth(step: number, coverage: number): number;
  /** Mean absolute error in units of the scale. */
  level(step: number): number;
}

/** Outcomes to learn one step's quantiles from; neighbouring steps lend theirs until there are so many. */
const ENOUGH_OUTCOMES = 300;
/** Neighbouring origins say nearly the same; of more than twice as many only some are asked. */
const ENOUGH_ORIGINS = 300;
const STEP_PRIOR = 10;
/** Bars at the start that the volatility needs to say anything. */
const WARM_UP = 10;

/** Learns from bars up to the end of `logs` and from nothing later. */
export function learnShape(logs: Float64Array, volatility: Volatility, horizon: number): ErrorShape {
  const first = Math.min(WARM_UP, logs.length - 1);
  const stride = Math.max(1, Math.floor((logs.length - 1 - first) / ENOUGH_ORIGINS));
  const byStep = Array.from(
    { length: horizon },
    (_, h) => new Float64Array(Math.max(0, Math.ceil((logs.length - 1 - first - h) / stride))),
  );
  for (let k = 0; k * stride + first < logs.length - 1; k++) {
    const origin = first + k * stride;
    const ahead = Math.min(horizon, logs.length - 1 - origin);
    const scales = volatility.scalesAt(origin, ahead);
    const from = logs[origin] as number;
    for (let h = 0; h < ahead; h++) {
      const errors = byStep[h] as Float64Array;
      errors[k] = Math.abs((logs[origin + h + 1] as number) - from) / (scales[h] as number);
    }
  }
  const sums = byStep.map(sum);
  const outcomes = byStep.reduce((count, errors) => count + errors.length, 0);
  const overall = sum(sums) / Math.max(1, outcomes) || 1;
  const levels = byStep.map((errors, h) => ((sums[h] ?? 0) + STEP_PRIOR * overall) / (errors.length + STEP_PRIOR));
  /** Sorted when a step is first asked for. */
  const pooled: Float64Array[] = [];

  return {
    level: (step) => levels[step] ?? overall,
    halfWidth(step, coverage) {
      const sample = (pooled[step] ??= poolAround(step, byStep, levels));
      // One outcome more than seen, and that one the farthest: the finite-sample correction of conformal prediction.
      const share = Math.min(1, coverage * (1 + 1 / Math.max(1, byStep[step]?.length ?? 0)));
      return (levels[step] ?? overall) * quantileOf(sample, share);
    },
  };
}

/** Residuals of step `h` and, while they are too few, of its neighbours, each in units of its own step's level. */
function poolAround(h: number, byStep: readonly Float64Array[], levels: number[]): Float64Array {
  let [low, high] = [h, h];
  let count = byStep[h]?.length ?? 0;
  while (count < ENOUGH_OUTCOMES && (low > 0 || high < byStep.length - 1)) {
    if (low > 0) count += byStep[--low]?.length ?? 0;
    if (high < byStep.length - 1) count += byStep[++high]?.length ?? 0;
  }
  const pool = new Float64Array(count);
  let at = 0;
  for (let step = low; step <= high; step++) {
    const level = levels[step] || 1;
    for (const error of byStep[step] ?? []) pool[at++] = error / level;
  }
  return pool.sort();
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] ?? 0;
  return total;
}
