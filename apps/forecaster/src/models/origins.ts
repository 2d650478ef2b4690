/** Earlier moments at which a model is asked again, knowing only what was known then. */
import { type Model, isRefusal } from './model.ts';

/** Each costs a fit; more would sharpen the choice between models little. */
const MOST_ORIGINS = 12;
const FEWEST_BARS_BEFORE = 30;
/** A season has to be seen so often before a model can be asked about it. */
const CYCLES_BEFORE = 2;
/** Rather fewer trials than these than asking models that cannot know their season yet. */
const ENOUGH_ORIGINS = 6;

/**
 * Positions of the last bar known, rising. One bar more than the horizon apart, where the series is long enough: what the
 * forecasts are compared with then does not overlap, and no hour of the day is always the one that is asked at.
 */
export function chooseOrigins(length: number, horizon: number, season: readonly number[] = []): number[] {
  const newest = length - 1 - horizon;
  const whole = newest - (ENOUGH_ORIGINS - 1) * (horizon + 1);
  const seasons = season.findLast((period) => CYCLES_BEFORE * period + horizon <= whole) ?? 0;
  const room = newest - (Math.max(FEWEST_BARS_BEFORE, CYCLES_BEFORE * seasons + 2) - 1);
  if (room < 0) return [];
  const few = seasons > 0 && room < (MOST_ORIGINS - 1) * (horizon + 1);
  const spacing = few ? horizon + 1 : Math.max(1, Math.min(horizon + 1, Math.floor(room / (MOST_ORIGINS - 1))));
  const count = Math.min(MOST_ORIGINS, Math.floor(room / spacing) + 1);
  return Array.from({ length: count }, (_, k) => newest - (count - 1 - k) * spacing);
}

/**
 * Of the origins those whose outcomes no other one shares, the newest first of all. In a short series origins lie closer than the
 * horizon: then neighbours say nearly the same, and a test that counted each would be surer than it may be.
 */
export function chooseSeparate(origins: readonly number[], horizon: number): boolean[] {
  let after = Number.POSITIVE_INFINITY;
  const separate = origins.toReversed().map((origin) => {
    const isSeparate = origin + horizon <= after;
    if (isSeparate) after = origin;
    return isSeparate;
  });
  return separate.reverse();
}

/** The model's path from each origin; null where it refused. */
export function pathsFrom(options: {
  model: Model;
  logs: Float64Array;
  season: readonly number[];
  horizon: number;
  origins: readonly number[];
  indicators?: readonly Float64Array[] | undefined;
}): (Float64Array | null)[] {
  const { model, logs, season, horizon, origins, indicators } = options;
  return origins.map((origin) => {
    const path = model.path(logs.subarray(0, origin + 1), season, horizon, indicators?.slice(0, origin + 1));
    return isRefusal(path) ? null : path;
  });
}
