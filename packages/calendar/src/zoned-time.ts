/**
 * Exchange-local time without a date library: the offset of a zone, asked of Intl and remembered per quarter hour.
 * Local times are seconds as if the wall clock showed UTC, so that days divide evenly; a local date is its midnight so
 * written, which is also the key of its 1d bar.
 */

export const DAY = 86_400;
const QUARTER_HOUR = 900;

/** @returns the zone's offset from UTC in seconds at a Unix time: −18,000 for New York in winter */
export type ZoneOffset = (time: number) => number;

/** Making a formatter is slow, and there are few zones. */
const zones = new Map<string, ZoneOffset>();

/** @throws {RangeError} when the zone is unknown */
export function zoneOffset(timezone: string): ZoneOffset {
  const known = zones.get(timezone);
  if (known !== undefined) return known;
  const offset = timezone === 'UTC' ? () => 0 : askedOfIntl(timezone);
  zones.set(timezone, offset);
  return offset;
}

function askedOfIntl(timezone: string): ZoneOffset {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  // Offsets change on quarter hours only, so one answer serves all times between two of them.
  const known = new Map<number, number>();
  return (time) => {
    const quarter = Math.floor(time / QUARTER_HOUR) * QUARTER_HOUR;
    const remembered = known.get(quarter);
    if (remembered !== undefined) return remembered;
    const parts: Record<string, number> = {};
    for (const part of format.formatToParts(quarter * 1_000)) parts[part.type] = Number(part.value);
    const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts;
    const offset = Date.UTC(year, month - 1, day, hour, minute, second) / 1_000 - quarter;
    known.set(quarter, offset);
    return offset;
  };
}

export function toLocal(time: number, offset: ZoneOffset): number {
  return time + offset(time);
}

/** Unix time of a local time. In an hour that the clock skips: an hour earlier; in one that it repeats: one of the two. */
export function fromLocal(local: number, offset: ZoneOffset): number {
  const guess = local - offset(local);
  return local - offset(guess);
}

/** Local date that holds a local time. */
export function midnightOf(local: number): number {
  return Math.floor(local / DAY) * DAY;
}

/** 0 is Sunday; 1970-01-01 was a Thursday. */
export function weekdayOf(local: number): number {
  return (((Math.floor(local / DAY) + 4) % 7) + 7) % 7;
}

export function isWeekend(local: number): boolean {
  const weekday = weekdayOf(local);
  return weekday === 0 || weekday === 6;
}

/** @param month 1 to 12 */
export function dateOf(year: number, month: number, day: number): number {
  return Date.UTC(year, month - 1, day) / 1_000;
}

export function yearOf(local: number): number {
  return new Date(local * 1_000).getUTCFullYear();
}
