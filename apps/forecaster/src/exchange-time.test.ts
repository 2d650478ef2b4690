import { expect, test } from 'vitest';
import { exchangeClock, weekdayOf } from './exchange-time.ts';
import { at } from './exchanges.fixture.ts';

test.each([
  ['America/New_York', '2026-01-15T14:30:00Z', '2026-01-15T09:30:00Z'],
  ['America/New_York', '2026-07-15T13:30:00Z', '2026-07-15T09:30:00Z'],
  ['America/New_York', '2026-01-15T05:00:00Z', '2026-01-15T00:00:00Z'],
  ['Asia/Kolkata', '2026-01-15T03:45:00Z', '2026-01-15T09:15:00Z'],
  ['Australia/Sydney', '2026-01-14T23:00:00Z', '2026-01-15T10:00:00Z'],
  ['UTC', '2026-01-15T03:45:00Z', '2026-01-15T03:45:00Z'],
])('%s: %s is %s on the wall, and back', (zone, utc, local) => {
  const clock = exchangeClock(zone);
  expect(clock.toLocal(at(utc))).toBe(at(local));
  expect(clock.toUnix(at(local))).toBe(at(utc));
});

test('on both sides of a change the wall clock keeps its hours', () => {
  const clock = exchangeClock('America/New_York');
  expect(clock.toUnix(at('2026-03-06T09:30:00Z'))).toBe(at('2026-03-06T14:30:00Z'));
  expect(clock.toUnix(at('2026-03-09T09:30:00Z'))).toBe(at('2026-03-09T13:30:00Z'));
  expect(clock.toUnix(at('2026-03-08T02:30:00Z'))).toBe(at('2026-03-08T06:30:00Z'));
});

test('weekdays', () => {
  expect([at('2026-11-21T00:00:00Z'), at('2026-11-22T23:59:59Z')].map(weekdayOf)).toEqual([6, 0]);
  expect(() => exchangeClock('Mars/Olympus')).toThrow(RangeError);
});
