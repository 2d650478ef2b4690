/** Earlier moments at which a model is asked again, knowing only what was known then. */
import { type Model, isRefusal } from './model.ts';

/** Each costs a fit; more would sharpen the choice between models little. */
const MOST_ORIGINS = 12;
const FEWEST_BARS_BEFORE = 30;

/**
 * Positions of the last bar known, rising. One bar more than the horizon apart, where the series is long enough: what the
 * forecasts are compared with then does not overlap, and no hour of the day is always the one that is asked at.
 */
export function chooseOrigins(length: number, horizon: number): number[] {
  const newest = length - 1 - horizon;
  const room = newest - (FEWEST_BARS_BEFORE - 1);
  if (room < 0) return [];
  const spacing = Math.max(1, Math.min(horizon + 1, Math.floor(room / (MOST_ORIGINS - 1))));
  const count = Math.min(MOST_ORIGINS, Math.floor(room / spacing) + 1);
  return Array.from({ length: count }, (_, k) => newest - (count - 1 - k) * spacing);
}

/** The model's path from each origin; null where it refused. */
export function pathsFrom(
  model: Model,
  logs: Float64Array,
  season: readonly number[],
  horizon: number,
  origins: readonly number[],
): (Float64Array | null)[] {
  return origins.map((origin) => {
    const path = model.path(logs.subarray(0, origin + 1), season, horizon);
    return isRefusal(path) ? null : path;
  });
}
