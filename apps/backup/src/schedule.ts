/** When the next backup is due. */

/**
 * Beats are `everyMs` apart and meet `atMs` after midnight UTC, so that restarts of the service do not shift them.
 *
 * @param lastMs when the last good one was made; null if there is none
 * @returns the time to make the next one; in the past when a beat was missed
 */
export function nextDue(lastMs: number | null, everyMs: number, atMs: number): number {
  if (lastMs === null) return 0;
  return Math.floor((lastMs - atMs) / everyMs) * everyMs + atMs + everyMs;
}
