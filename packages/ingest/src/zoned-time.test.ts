import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromLocal, zoneOffset } from './zoned-time.ts';

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
