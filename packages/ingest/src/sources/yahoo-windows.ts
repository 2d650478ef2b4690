/** The ranges that Yahoo gives in one chart request, per resolution. */
import type { NativeResolution } from '@tapecast/contracts/resolution';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';

const DAY = 86_400;

/** `reach`: how far back bars exist at all. `width`: the longest range of one request. Both in seconds. */
const LIMITS: Record<NativeResolution, { reach: number; width: number }> = {
  // 30 and 730 days are Yahoo's limits; the margin is for its clock and ours.
  '1m': { reach: 30 * DAY - 3_600, width: 7 * DAY },
  '1h': { reach: 730 * DAY - 3_600, width: 730 * DAY },
  '1d': { reach: Number.POSITIVE_INFINITY, width: Number.POSITIVE_INFINITY },
};

/** @returns null where bars of any age are given */
export function earliestBar(resolution: NativeResolution, now: number): UnixSeconds | null {
  const { reach } = LIMITS[resolution];
  return Number.isFinite(reach) ? unixSeconds(Math.ceil(now - reach)) : null;
}

export interface Window {
  from: number;
  to: number;
}

/** @returns adjoining windows over what of `[from, to)` Yahoo permits, in the order asked for */
export function chartWindows(
  resolution: NativeResolution,
  range: Window,
  now: number,
  order: 'newest-first' | 'oldest-first',
): Window[] {
  const { width } = LIMITS[resolution];
  const from = Math.max(range.from, earliestBar(resolution, now) ?? range.from);
  const windows: Window[] = [];
  for (let to = range.to; to > from; to -= width) windows.push({ from: Math.max(from, to - width), to });
  return order === 'newest-first' ? windows : windows.reverse();
}
