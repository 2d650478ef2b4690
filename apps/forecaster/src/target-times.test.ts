import { toLocal, weekdayOf, zoneOffset } from '@tapecast/calendar/zoned-time';
import { type ForecastResolution } from '@tapecast/contracts/resolution';
import { unixSeconds } from '@tapecast/contracts/units';
import { describe, expect, test } from 'vitest';
import { learnPattern, seasonOf } from './bar-pattern.ts';
import { type Exchange } from './closed-bar.ts';
import { at, CRYPTO, days, FOREX, MUMBAI, NEW_YORK, sessionHours, TOKYO, workdays } from './exchanges.fixture.ts';
import { targetTimes } from './target-times.ts';

function next(exchange: Exchange, resolution: ForecastResolution, keys: number[], horizon: number): string[] {
  const pattern = learnPattern(exchange, resolution, keys);
  const last = unixSeconds(keys.at(-1) ?? 0);
  return targetTimes({ exchange, resolution, pattern, last, horizon }).map((time) =>
    new Date(time * 1_000).toISOString().slice(0, 16),
  );
}

describe('1h', () => {
  test('a session’s hours are followed by the next session’s, over the weekend', () => {
    const keys = sessionHours(NEW_YORK, '2026-10-19', '2026-11-20');
    expect(next(NEW_YORK, '1h', keys, 8)).toEqual([
      '2026-11-23T14:30',
      '2026-11-23T15:30',
      '2026-11-23T16:30',
      '2026-11-23T17:30',
      '2026-11-23T18:30',
      '2026-11-23T19:30',
      '2026-11-23T20:30',
      '2026-11-24T14:30',
    ]);
  });

  test('within a session the day goes on', () => {
    const keys = sessionHours(NEW_YORK, '2026-10-19', '2026-11-19').slice(0, -4);
    expect(next(NEW_YORK, '1h', keys, 5)).toEqual([
      '2026-11-19T17:30',
      '2026-11-19T18:30',
      '2026-11-19T19:30',
      '2026-11-19T20:30',
      '2026-11-20T14:30',
    ]);
  });

  test.each([
    ['spring', '2026-02-02', '2026-03-06', '2026-03-09T13:30'],
    ['autumn', '2026-10-01', '2026-10-30', '2026-11-02T14:30'],
  ])('the open stays at 9:30 on the wall when the clock changes in %s', (_season, from, to, expected) => {
    expect(next(NEW_YORK, '1h', sessionHours(NEW_YORK, from, to), 1)).toEqual([expected]);
  });

  test('sessions that begin at a quarter past keep their quarter', () => {
    const keys = sessionHours(MUMBAI, '2026-10-19', '2026-11-20');
    expect(next(MUMBAI, '1h', keys, 2)).toEqual(['2026-11-23T03:45', '2026-11-23T04:45']);
  });

  test('a lunch break is kept, a half day and a single night trade are not', () => {
    const offset = zoneOffset(TOKYO.timezone);
    const usual = sessionHours(TOKYO, '2026-10-19', '2026-11-20').filter(
      (key) => toLocal(key, offset) % 86_400 !== 11 * 3_600,
    );
    const halfDay = usual.filter((key) => !(key > at('2026-11-12T03:00:00Z') && key < at('2026-11-12T12:00:00Z')));
    const keys = [...halfDay, at('2026-11-13T15:00:00Z')].sort((a, b) => a - b);
    const expected = ['00:00', '01:00', '03:00', '04:00', '05:00', '06:00'].map((hour) => `2026-11-23T${hour}`);
    expect(next(TOKYO, '1h', keys, 6)).toEqual(expected);
  });

  test('what never stops goes on every hour, gaps or not', () => {
    const keys = days('2026-11-01', '2026-11-21').flatMap((day) =>
      Array.from({ length: 24 }, (_, h) => day + h * 3_600),
    );
    const gappy = keys.filter((_, i) => i % 5 !== 0 || i === keys.length - 1);
    expect(next(CRYPTO, '1h', gappy, 24).slice(0, 2)).toEqual(['2026-11-22T00:00', '2026-11-22T01:00']);
    expect(next(CRYPTO, '1h', gappy, 24)[23]).toBe('2026-11-22T23:00');
    expect(next(CRYPTO, '1h', keys.slice(-30), 1)).toEqual(['2026-11-22T00:00']);
  });

  test('currencies rest from Friday night to Sunday night', () => {
    const hours = days('2026-10-18', '2026-11-20').flatMap((day) =>
      Array.from({ length: 24 }, (_, h) => day + h * 3_600),
    );
    const open = hours.filter((local) => {
      const [weekday, hour] = [weekdayOf(local), (local % 86_400) / 3_600];
      return weekday === 0 ? hour >= 22 : weekday === 5 ? hour < 22 : weekday !== 6;
    });
    expect(next(FOREX, '1h', open, 4)).toEqual([
      '2026-11-22T22:00',
      '2026-11-22T23:00',
      '2026-11-23T00:00',
      '2026-11-23T01:00',
    ]);
  });
});

describe('1d', () => {
  test('workdays for exchanges, every day for what never stops', () => {
    expect(next(NEW_YORK, '1d', workdays('2026-08-03', '2026-11-20'), 6).map((time) => time.slice(5, 10))).toEqual([
      '11-23',
      '11-24',
      '11-25',
      '11-26',
      '11-27',
      '11-30',
    ]);
    expect(next(CRYPTO, '1d', days('2026-08-03', '2026-11-20'), 3).map((time) => time.slice(5, 10))).toEqual([
      '11-21',
      '11-22',
      '11-23',
    ]);
  });

  test('holidays of the last weeks do not remove a weekday', () => {
    const keys = workdays('2026-08-03', '2026-11-20').filter(
      (day) => !['2026-09-07', '2026-11-16'].some((d) => day === at(`${d}T00:00:00Z`)),
    );
    expect(next(NEW_YORK, '1d', keys, 1)[0]).toBe('2026-11-23T00:00');
  });
});

describe('an exchange whose calendar is known', () => {
  const nasdaq: Exchange = { ...NEW_YORK, exchange: 'NMS' };

  test('has no targets on holidays', () => {
    expect(next(nasdaq, '1d', workdays('2026-08-03', '2026-11-25'), 3).map((time) => time.slice(5, 10))).toEqual([
      '11-27',
      '11-30',
      '12-01',
    ]);
    const december = next(nasdaq, '1d', workdays('2026-09-01', '2026-12-23'), 7).map((time) => time.slice(5, 10));
    expect(december).toEqual(['12-24', '12-28', '12-29', '12-30', '12-31', '01-04', '01-05']);
  });

  test('has none after the end of a half day', () => {
    expect(next(nasdaq, '1h', sessionHours(nasdaq, '2026-10-19', '2026-11-25'), 5)).toEqual([
      '2026-11-27T14:30',
      '2026-11-27T15:30',
      '2026-11-27T16:30',
      '2026-11-27T17:30',
      '2026-11-30T14:30',
    ]);
  });
});

test('a series of a few bars still has a future', () => {
  for (const resolution of ['1h', '1d'] as const) {
    for (const exchange of [NEW_YORK, CRYPTO, FOREX]) {
      const times = next(exchange, resolution, [at('2026-11-20T15:30:00Z')], 20);
      expect(new Set(times).size).toBe(20);
      expect(times).toEqual(times.toSorted());
    }
  }
});

test('seasons are the day and the week in bars', () => {
  const season = (exchange: Exchange, resolution: ForecastResolution, keys: number[]) =>
    seasonOf(learnPattern(exchange, resolution, keys));
  expect(season(NEW_YORK, '1h', sessionHours(NEW_YORK, '2026-10-19', '2026-11-20'))).toEqual([7, 35]);
  expect(season(NEW_YORK, '1d', workdays('2026-08-03', '2026-11-20'))).toEqual([5]);
  expect(season(CRYPTO, '1d', days('2026-08-03', '2026-11-20'))).toEqual([7]);
  const hours = days('2026-11-01', '2026-11-21').flatMap((day) =>
    Array.from({ length: 24 }, (_, h) => day + h * 3_600),
  );
  expect(season(CRYPTO, '1h', hours)).toEqual([24, 168]);
});
