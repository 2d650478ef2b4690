/** Wall-clock time of an exchange. Local times are seconds as if the wall clock showed UTC, so that days divide evenly. */

export const DAY = 86_400;
const QUARTER_HOUR = 900;

export interface ExchangeClock {
  toLocal(time: number): number;
  /** In an hour that the clock skips: an hour earlier; in one that it repeats: one of the two. */
  toUnix(local: number): number;
}

/** @throws {RangeError} when the zone is unknown */
export function exchangeClock(timezone: string): ExchangeClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: timezone,
    hourCycle: 'h23',
    dateStyle: 'short',
    timeStyle: 'medium',
  });
  const offsets = new Map<number, number>();

  function offsetAt(time: number): number {
    // Offsets change on quarter hours only.
    const quarter = Math.floor(time / QUARTER_HOUR) * QUARTER_HOUR;
    let offset = offsets.get(quarter);
    if (offset === undefined) {
      offset = Date.parse(`${format.format(quarter * 1_000)} UTC`) / 1_000 - quarter;
      offsets.set(quarter, offset);
    }
    return offset;
  }

  return {
    toLocal: (time) => time + offsetAt(time),
    toUnix: (local) => local - offsetAt(local - offsetAt(local)),
  };
}

/** Local midnight of the day that holds a local time. */
export function midnightOf(local: number): number {
  return Math.floor(local / DAY) * DAY;
}

/** 0 is Sunday; 1970-01-01 was a Thursday. */
export function weekdayOf(local: number): number {
  return (Math.floor(local / DAY) + 4) % 7;
}
