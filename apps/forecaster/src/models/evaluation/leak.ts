/** Finds out whether forecasts made within a series know more than they should, by changing what came after them. */

/**
 * @param forecastAt makes, from the whole series, whatever is made at an origin (the position of the last bar known)
 * @returns the first origin at which a changed future changed the forecast; null when there is none
 */
export function findLeak(
  closes: readonly number[],
  origins: readonly number[],
  forecastAt: (closes: readonly number[], origin: number) => ArrayLike<number> | null,
): number | null {
  for (const origin of origins) {
    const said = forecastAt(closes, origin);
    for (const factor of [0.5, 3]) {
      const other = closes.map((close, i) => (i <= origin ? close : close * factor * (1 + (i % 3) / 10)));
      if (!same(said, forecastAt(other, origin))) return origin;
    }
  }
  return null;
}

function same(a: ArrayLike<number> | null, b: ArrayLike<number> | null): boolean {
  if (a === null || b === null) return a === b;
  return a.length === b.length && Array.from(a).every((value, i) => Object.is(value, b[i]));
}
