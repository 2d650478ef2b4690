/** How holidays are told: rules of a year that give local dates. */
import { DAY, dateOf, weekdayOf } from './zoned-time.ts';

export const [SUNDAY, MONDAY, , , THURSDAY, FRIDAY, SATURDAY] = [0, 1, 2, 3, 4, 5, 6] as const;

/** The nth such weekday of a month, from 1; −1 is the last one. */
export function nthWeekday(year: number, month: number, weekday: number, nth: number): number {
  if (nth < 0) {
    const last = dateOf(year, month + 1, 0);
    return last - ((weekdayOf(last) - weekday + 7) % 7) * DAY;
  }
  const first = dateOf(year, month, 1);
  return first + (((weekday - weekdayOf(first) + 7) % 7) + (nth - 1) * 7) * DAY;
}

/** Easter Sunday of the Gregorian calendar, by Meeus, Jones and Butcher. */
export function easter(year: number): number {
  const a = year % 19;
  const b = Math.floor(year / 100);
  const c = year % 100;
  const h = (19 * a + b - Math.floor(b / 4) - Math.floor((b - Math.floor((b + 8) / 25) + 1) / 3) + 15) % 30;
  const l = (32 + 2 * (b % 4) + 2 * Math.floor(c / 4) - h - (c % 4)) % 7;
  const m = Math.floor((a + 11 * h + 22 * l) / 451);
  const n = h + l - 7 * m + 114;
  return dateOf(year, Math.floor(n / 31), (n % 31) + 1);
}

export const goodFriday = (year: number): number => easter(year) - 2 * DAY;
export const easterMonday = (year: number): number => easter(year) + DAY;
export const whitMonday = (year: number): number => easter(year) + 50 * DAY;

/** Saturday to the Friday before, Sunday to the Monday after. */
export function nearestWeekday(date: number): number {
  const weekday = weekdayOf(date);
  if (weekday === SATURDAY) return date - DAY;
  return weekday === SUNDAY ? date + DAY : date;
}

/** From a weekend to the Monday after. */
export function followingMonday(date: number): number {
  const weekday = weekdayOf(date);
  if (weekday === SATURDAY) return date + 2 * DAY;
  return weekday === SUNDAY ? date + DAY : date;
}

/** Two holidays in a row, of which each gets a weekday of its own. */
export function followingWeekdays(first: number): [number, number] {
  const one = followingMonday(first);
  const other = followingMonday(first + DAY);
  return [one, other <= one ? one + DAY : other];
}

/** Sunday to Monday; a Saturday's holiday is lost. */
export function sundayToMonday(date: number): number {
  return weekdayOf(date) === SUNDAY ? date + DAY : date;
}

/** A date when it is a weekday, the weekday before it when it is not. */
export function lastWeekdayUntil(date: number): number {
  const weekday = weekdayOf(date);
  if (weekday === SATURDAY) return date - DAY;
  return weekday === SUNDAY ? date - 2 * DAY : date;
}

/** Dates of what no rule foresaw, `2012-10-29` one after the other. */
export function dates(list: string): number[] {
  return list.split(/\s+/).map((text) => {
    const date = Date.parse(`${text}T00:00:00Z`) / 1_000;
    if (!Number.isInteger(date)) throw new RangeError(`"${text}" is no date`);
    return date;
  });
}
