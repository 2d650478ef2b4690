/**
 * Quantiles around a path, learnt from how far forecasts have been off.
 *
 * The shape comes from the random walk, because its errors are known from every bar of the series (overlapping h-step
 * moves), divided by the volatility known at the time; a model that was asked at a few origins only gets that shape
 * times the ratio of its errors to the random walk's at the same origins. Shapes are symmetric in the logarithm, so the
 * median is the path and quantiles rise by construction.
 */
import { type Volatility } from './volatility.ts';

/** For each step ahead the pooled absolute residuals in units of the scale, rising. */
export interface ErrorShape {
  /** Half-width, in units of the scale, of the band that holds the share `coverage` of outcomes. */
  halfWidth(step: number, coverage: number): number;
}

/** Outcomes to learn one step's quantiles from; neighbouring steps lend theirs until there are so many. */
const ENOUGH_OUTCOMES = 300;
const STEP_PRIOR = 10;
const RATIO_PRIOR = 4;
const RATIO_NEIGHBOURS = 3;
/** Bars at the start that the volatility needs to say anything. */
const WARM_UP = 10;

/** Learns from bars up to the end of `logs` and from nothing later. */
export function learnShape(logs: Float64Array, volatility: Volatility, horizon: number): ErrorShape {
  const byStep: number[][] = Array.from({ length: horizon }, () => []);
  for (let origin = WARM_UP; origin < logs.length - 1; origin++) {
    const ahead = Math.min(horizon, logs.length - 1 - origin);
    const scales = volatility.scalesAt(origin, ahead);
    for (let h = 0; h < ahead; h++) {
      byStep[h]?.push(Math.abs((logs[origin + h + 1] ?? 0) - (logs[origin] ?? 0)) / (scales[h] ?? 1));
    }
  }
  const everything = byStep.flat();
  const overall = average(everything) || 1;
  const levels = byStep.map((errors) => (sum(errors) + STEP_PRIOR * overall) / (errors.length + STEP_PRIOR));
  const pooled = byStep.map((_, h) => poolAround(h, byStep, levels));

  return {
    halfWidth(step, coverage) {
      const sample = pooled[step] ?? new Float64Array();
      // One outcome more than seen, and that one the farthest: the finite-sample correction of conformal prediction.
      const share = Math.min(1, coverage * (1 + 1 / Math.max(1, byStep[step]?.length ?? 0)));
      return (levels[step] ?? overall) * quantileOf(sample, share);
    },
  };
}

/** Residuals of step `h` and, while they are too few, of its neighbours, each in units of its own step's level. */
function poolAround(h: number, byStep: number[][], levels: number[]): Float64Array {
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

/** How a model's errors compare with the random walk's, step by step: 1 is as good, less is better. */
export function errorRatios(options: {
  logs: Float64Array;
  volatility: Volatility;
  horizon: number;
  origins: readonly number[];
  paths: readonly (Float64Array | null)[];
}): Float64Array {
  const { logs, volatility, horizon, origins, paths } = options;
  const own = new Float64Array(horizon);
  const walk = new Float64Array(horizon);
  const counts = new Float64Array(horizon);
  origins.forEach((origin, k) => {
    const path = paths[k];
    if (!path) return;
    const ahead = Math.min(horizon, logs.length - 1 - origin);
    const scales = volatility.scalesAt(origin, Math.max(0, ahead));
    for (let h = 0; h < ahead; h++) {
      const actual = logs[origin + h + 1] ?? 0;
      own[h] = (own[h] ?? 0) + Math.abs(actual - (path[h] ?? 0)) / (scales[h] ?? 1);
      walk[h] = (walk[h] ?? 0) + Math.abs(actual - (logs[origin] ?? 0)) / (scales[h] ?? 1);
      counts[h] = (counts[h] ?? 0) + 1;
    }
  });
  return own.map((_, h) => {
    const from = Math.max(0, h - RATIO_NEIGHBOURS);
    const to = h + RATIO_NEIGHBOURS + 1;
    const walked = sum(walk.subarray(from, to));
    const seen = sum(counts.subarray(from, to));
    const prior = seen === 0 ? 1 : (RATIO_PRIOR * walked) / seen || 1;
    return (sum(own.subarray(from, to)) + prior) / (walked + prior);
  });
}

/**
 * @param path expected logarithms
 * @param last logarithm of the last close
 * @returns logarithms: one row a step, one value a level, rising
 */
export function quantilesAround(options: {
  path: Float64Array;
  last: number;
  scales: Float64Array;
  ratios: Float64Array;
  shape: ErrorShape;
  levels: readonly number[];
}): number[][] {
  const { path, last, scales, ratios, shape, levels } = options;
  return Array.from(path, (expected, step) => {
    const scale = scales[step] ?? 0;
    const farthest = 4 * scale * shape.halfWidth(step, 0.95);
    const centre = Math.min(last + farthest, Math.max(last - farthest, expected));
    return levels.map((level) => {
      const width = scale * (ratios[step] ?? 1) * shape.halfWidth(step, Math.abs(2 * level - 1));
      return level < 0.5 ? centre - width : level > 0.5 ? centre + width : centre;
    });
  });
}

function quantileOf(rising: Float64Array, share: number): number {
  if (rising.length === 0) return 0;
  const position = share * (rising.length - 1);
  const below = Math.floor(position);
  const [low, high] = [rising[below] ?? 0, rising[Math.min(below + 1, rising.length - 1)] ?? 0];
  return low + (position - below) * (high - low);
}

function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i] ?? 0;
  return total;
}

function average(values: ArrayLike<number>): number {
  return values.length === 0 ? 0 : sum(values) / values.length;
}
