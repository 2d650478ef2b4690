/** The value below which this share of a sorted sample lies, by linear interpolation; 0 of an empty sample. */
export function quantileOf(rising: Float64Array, share: number): number {
  if (rising.length === 0) return 0;
  const position = share * (rising.length - 1);
  const below = Math.floor(position);
  const [low, high] = [rising[below] ?? 0, rising[Math.min(below + 1, rising.length - 1)] ?? 0];
  return low + (position - below) * (high - low);
}
