/** The time below which the share `level` of all times lies, the next one that was measured; NaN of none. */
export function quantile(times: readonly number[], level: number): number {
  const rising = times.toSorted((left, right) => left - right);
  return rising[Math.min(rising.length - 1, Math.floor(level * rising.length))] ?? Number.NaN;
}
