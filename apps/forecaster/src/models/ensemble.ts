/**
 * All models together: each weighs by how far off it has been lately, and the whole is drawn towards the last price by as
 * much as its own record leaves in doubt. At every origin nothing counts but outcomes that were known by then.
 */
import { type Volatility } from './volatility.ts';

export const ENSEMBLE = 'ensemble';

/** What one model said at each origin (null: it refused), and what it says now. */
export interface Member {
  path: Float64Array;
  paths: readonly (Float64Array | null)[];
}

export interface Ensemble {
  path: Float64Array;
  /** Null at the first origins, where there is no record yet to weigh by. */
  paths: (Float64Array | null)[];
}

/** The weight is the error to minus this. */
const SHARPNESS = 3;
/** In trials: an older trial counts half as much. */
const HALF_LIFE = 8;
const FEWEST_TRIALS = 2;
/** A record that may be luck is discounted by so many standard errors. */
const DOUBT = 1;

export function combine(options: {
  members: readonly Member[];
  logs: Float64Array;
  volatility: Volatility;
  origins: readonly number[];
  horizon: number;
}): Ensemble | null {
  const { members, logs, volatility, origins, horizon } = options;
  const units = origins.map((origin) => volatility.scalesAt(origin, horizon)[horizon - 1] || 1);
  const errors = members.map(({ paths }) =>
    paths.map((path, k) => path && errorOf(path, logs, origins[k] ?? 0) / (units[k] ?? 1)),
  );
  const said = (k: number): (Float64Array | null)[] => members.map(({ paths }) => paths[k] ?? null);
  const knownBy = (origin: number): number => origins.filter((earlier) => earlier + horizon <= origin).length;
  /** Without the pull towards the last price. */
  const mixes = origins.map((origin, k) => mix(said(k), weigh(errors, knownBy(origin))));

  function shrink(path: Float64Array | null, origin: number, trials: number): Float64Array | null {
    if (path === null || trials < FEWEST_TRIALS) return null;
    const trust = trustOf(mixes.slice(0, trials), { logs, origins, units });
    const last = logs[origin] ?? 0;
    return path.map((log) => last + trust * (log - last));
  }

  const all = members.map(({ path }) => path);
  const path = shrink(mix(all, weigh(errors, origins.length)), logs.length - 1, origins.length);
  return path && { path, paths: origins.map((origin, k) => shrink(mixes[k] ?? null, origin, knownBy(origin))) };
}

/** Weight of each member by its first so many trials; a member that refused at more than half of them has none. */
function weigh(errors: readonly (readonly (number | null)[])[], trials: number): number[] {
  if (trials === 0) return errors.map(() => 1);
  return errors.map((record) => {
    let [sum, weight, count] = [0, 0, 0];
    for (let k = 0; k < trials; k++) {
      const error = record[k] ?? null;
      if (error === null) continue;
      const recency = 0.5 ** ((trials - 1 - k) / HALF_LIFE);
      sum += recency * error;
      weight += recency;
      count += 1;
    }
    return 2 * count < trials || weight === 0 ? 0 : (sum / weight + Number.EPSILON) ** -SHARPNESS;
  });
}

function mix(paths: readonly (Float64Array | null)[], weights: readonly number[]): Float64Array | null {
  const first = paths.find((path) => path !== null);
  if (first == null) return null;
  const sum = new Float64Array(first.length);
  let total = 0;
  paths.forEach((path, m) => {
    const weight = weights[m] ?? 0;
    if (path === null || weight === 0) return;
    total += weight;
    for (let h = 0; h < sum.length; h++) sum[h] = (sum[h] as number) + weight * (path[h] as number);
  });
  return total === 0 ? null : sum.map((value) => value / total);
}

/**
 * What share of its expected moves came true, less the doubt: the slope of actual on expected moves over the trials,
 * drawn down by its standard error. 0 is the last price, 1 the mix as it is.
 */
function trustOf(
  mixes: readonly (Float64Array | null)[],
  record: { logs: Float64Array; origins: readonly number[]; units: readonly number[] },
): number {
  const { logs, origins, units } = record;
  const trials = mixes.flatMap((path, k) => {
    if (path === null) return [];
    const origin = origins[k] ?? 0;
    const last = logs[origin] ?? 0;
    let [products, squares] = [0, 0];
    for (let h = 0; h < path.length; h++) {
      const expected = ((path[h] as number) - last) / (units[k] ?? 1);
      const actual = ((logs[origin + 1 + h] ?? last) - last) / (units[k] ?? 1);
      products += expected * actual;
      squares += expected * expected;
    }
    return [{ products, squares }];
  });
  const squares = trials.reduce((sum, trial) => sum + trial.squares, 0);
  if (trials.length < 2 || squares === 0) return 0;
  const slope = trials.reduce((sum, trial) => sum + trial.products, 0) / squares;
  const scatter = trials.reduce((sum, trial) => sum + (trial.products - slope * trial.squares) ** 2, 0);
  const doubt = Math.sqrt((scatter * trials.length) / (trials.length - 1)) / squares;
  return Math.max(0, Math.min(1, slope - DOUBT * doubt));
}

function errorOf(path: Float64Array, logs: Float64Array, origin: number): number {
  let sum = 0;
  for (let h = 0; h < path.length; h++) sum += Math.abs((logs[origin + 1 + h] ?? 0) - (path[h] as number));
  return sum / path.length;
}
