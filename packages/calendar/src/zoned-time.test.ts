import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromLocal, toLocal, weekdayOf, zoneOffset } from './zoned-time.ts';

const at = (iso: string) => Date.parse(iso) / 1_000;

describe('zoned time', () => {
  it('knows both sides of a change of daylight saving time', () => {
    const newYork = zoneOffset('America/New_York');
    expect(newYork(at('2023-03-12T06:59:59Z'))).toBe(-18_000);
    expect(newYork(at('2023-03-12T07:00:00Z'))).toBe(-14_400);
    expect(newYork(at('2023-11-05T05:59:59Z'))).toBe(-14_400);
    expect(newYork(at('2023-11-05T06:00:00Z'))).toBe(-18_000);
    expect(zoneOffset('Asia/Kolkata')(at('2023-06-01T00:00:00Z'))).toBe(19_800);
  });

  it.each([
    ['America/New_York', '2026-01-15T05:00:00Z', '2026-01-15T00:00:00Z'],
    ['Asia/Kolkata', '2026-01-15T03:45:00Z', '2026-01-15T09:15:00Z'],
    ['Australia/Sydney', '2026-01-14T23:00:00Z', '2026-01-15T10:00:00Z'],
  ])('%s: %s is %s on the wall, and back', (zone, utc, local) => {
    const offset = zoneOffset(zone);
    expect(toLocal(at(utc), offset)).toBe(at(local));
    expect(fromLocal(at(local), offset)).toBe(at(utc));
  });

  it('takes a local time that the clock skips for an hour earlier', () => {
    expect(fromLocal(at('2026-03-08T02:30:00Z'), zoneOffset('America/New_York'))).toBe(at('2026-03-08T06:30:00Z'));
  });

  it('knows weekdays, and no zone that is none', () => {
    expect(
      ['2026-11-21T00:00:00Z', '2026-11-22T23:59:59Z', '1969-12-31T00:00:00Z'].map((day) => weekdayOf(at(day))),
    ).toEqual([6, 0, 3]);
    expect(() => zoneOffset('Mars/Olympus')).toThrow(RangeError);
  });

  it('finds the moment of a local time again', () => {
    const seconds = fc.integer({ min: at('1990-01-01T00:00:00Z'), max: at('2040-01-01T00:00:00Z') });
    for (const zone of ['UTC', 'America/New_York', 'Europe/London', 'Australia/Sydney', 'Asia/Tokyo']) {
      const offset = zoneOffset(zone);
      fc.assert(
        fc.property(seconds, (time) => {
          const local = time + offset(time);
          // In the hour that is lived twice there are two right answers.
          const back = fromLocal(local, offset);
          expect(back + offset(back)).toBe(local);
        }),
      );
    }
  });
});
