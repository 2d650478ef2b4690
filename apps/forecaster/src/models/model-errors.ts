/** How far a model has been off at the origins at which it was asked again, beside the random walk at the same ones. */
import { type ErrorShape } from './error-shape.ts';
import { quantileOf } from './quantile.ts';
import { type Volatility } from './volatility.ts';

export interface ModelErrors {
  /** Mean absolute error at a step in units of the random walk's: 1 is as good, less is better. */
  ratio(step: number): number;
  /** Half-width, in units of the scale, of the band that holds the share `coverage` of outcomes. */
  halfWidth(step: number, coverage: number): number;
}

/** So many trials of being as good as the random walk are assumed beforehand. */
const PRIOR = 1;
const NEIGHBOURS = 3;
/**
 * Models like the random walk get the shape of its errors, known from every bar. One that is so much better errs in
 * another way, and its own errors, once there are enough of them, say how.
 */
const UNLIKE = 0.8;
const ENOUGH_ERRORS = 80;

/** Learns from outcomes up to the end of `logs`; an origin closer to it than the horizon counts with the steps that are known. */
export function learnErrors(options: {
  logs: Float64Array;
  volatility: Volatility;
  shape: ErrorShape;
  horizon: number;
  origins: readonly number[];
  paths: readonly (Float64Array | null)[];
}): ModelErrors {
  const { logs, volatility, shape, horizon, origins, paths } = options;
  const own: number[][] = Array.from({ length: horizon }, () => []);
  const walk: number[][] = Array.from({ length: horizon }, () => []);
  origins.forEach((origin, k) => {
    const path = paths[k];
    if (!path) return;
    const ahead = Math.min(horizon, logs.length - 1 - origin);
    const scales = volatility.scalesAt(origin, Math.max(0, ahead));
    for (let h = 0; h < ahead; h++) {
      const actual = logs[origin + h + 1] ?? 0;
      own[h]?.push(Math.abs(actual - (path[h] ?? 0)) / (scales[h] ?? 1));
      walk[h]?.push(Math.abs(actual - (logs[origin] ?? 0)) / (scales[h] ?? 1));
    }
  });

  const totals = { own: own.map(sum), walk: walk.map(sum), count: own.map(({ length }) => length) };
  const near = (values: readonly number[], h: number): number =>
    sum(values.slice(Math.max(0, h - NEIGHBOURS), h + NEIGHBOURS + 1));
  const ratios = own.map((_, h) => {
    const [walked, count] = [near(totals.walk, h), near(totals.count, h)];
    const prior = count === 0 ? 1 : (PRIOR * walked) / count || 1;
    return (near(totals.own, h) + prior) / (walked + prior);
  });
  const levels = own.map((_, h) => near(totals.own, h) / near(totals.count, h) || 1);
  const errors = Float64Array.from(own.flatMap((row, h) => row.map((error) => error / (levels[h] ?? 1)))).sort();
  const unlike = errors.length >= ENOUGH_ERRORS && sum(ratios) / horizon < UNLIKE;

  return {
    ratio: (step) => ratios[step] ?? 1,
    halfWidth: (step, coverage) =>
      unlike
        ? (levels[step] ?? 1) * quantileOf(errors, Math.min(1, coverage * (1 + 1 / errors.length)))
        : (ratios[step] ?? 1) * shape.halfWidth(step, coverage),
  };
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
