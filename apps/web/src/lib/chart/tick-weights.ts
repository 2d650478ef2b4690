/**
 * How much a moment weighs as a tick of the time axis: a new year more than a new day, a full hour more than a minute.
 * The chart library weighs in UTC; here midnight is midnight where the viewer sits, and no bar's time is bent for it,
 * so the hour that a clock change repeats stays two hours.
 */

import { datePart, hourMinute } from '../market/times.ts';

/** The library's own weights (its enum is not exported). */
const YEAR = 70;
const MONTH = 60;
const DAY = 50;
const STEPS = [
  [43_200, 33],
  [21_600, 32],
  [10_800, 31],
  [3_600, 30],
  [1_800, 22],
  [300, 21],
  [60, 20],
  [1, 10],
] as const;

/** Seconds to add to UTC at that moment. */
export type ZoneOffset = (time: number) => number;

export const viewerOffset: ZoneOffset = (time) => -60 * new Date(time * 1_000).getTimezoneOffset();

export const utcOffset: ZoneOffset = () => 0;

export function tickWeight(time: number, before: number, offset: ZoneOffset): number {
  // One offset for both: where a clock change sets the hour back, time still went on.
  const shift = offset(time);
  const [current, previous] = [time + shift, before + shift];
  const [day, dayBefore] = [new Date(current * 1_000), new Date(previous * 1_000)];
  if (day.getUTCFullYear() !== dayBefore.getUTCFullYear()) return YEAR;
  if (day.getUTCMonth() !== dayBefore.getUTCMonth()) return MONTH;
  if (day.getUTCDate() !== dayBefore.getUTCDate()) return DAY;
  for (const [seconds, weight] of STEPS) {
    if (Math.floor(current / seconds) !== Math.floor(previous / seconds)) return weight;
  }
  return 0;
}

/** What stands at a tick: the largest part of the date that is new there. `zone` undefined: the viewer's. */
export function tickText(time: number, weight: number, zone?: string): string {
  if (weight >= YEAR) return datePart(time, 'year', zone);
  if (weight >= MONTH) return datePart(time, 'month', zone);
  return weight >= DAY ? datePart(time, 'day', zone) : hourMinute(time, zone);
}
