/** Exchange-local time without a date library: the offset of a zone, asked of Intl and remembered per quarter hour. */

const QUARTER_HOUR = 900;

/** @returns the zone's offset from UTC in seconds at a Unix time: −18,000 for New York in winter */
export type ZoneOffset = (time: number) => number;

/** @throws {RangeError} when the zone is unknown */
export function zoneOffset(timezone: string): ZoneOffset {
  if (timezone === 'UTC') return () => 0;
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

/** Unix time of a local wall-clock time that is given as if it were UTC. In a skipped hour: the moment after the skip. */
export function fromLocal(local: number, offset: ZoneOffset): number {
  const guess = local - offset(local);
  return local - offset(guess);
}
