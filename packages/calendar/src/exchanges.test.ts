/** Each exchange against the year that it has published, and against what no rule foresaw. */
import { describe, expect, it } from 'vitest';
import { type ExchangeCalendar } from './exchange.ts';
import { EURONEXT } from './exchanges/euronext.ts';
import { FRANKFURT } from './exchanges/frankfurt.ts';
import { HONG_KONG } from './exchanges/hong-kong.ts';
import { LONDON } from './exchanges/london.ts';
import { NEW_YORK } from './exchanges/new-york.ts';
import { TOKYO } from './exchanges/tokyo.ts';
import { TORONTO } from './exchanges/toronto.ts';
import { DAY, dateOf, isWeekend } from './zoned-time.ts';

const text = (date: number) => new Date(date * 1_000).toISOString().slice(0, 10);
const date = (iso: string) => Date.parse(`${iso}T00:00:00Z`) / 1_000;
const clock = (seconds: number) => new Date(seconds * 1_000).toISOString().slice(11, 16);
const hours = (calendar: ExchangeCalendar, iso: string) => {
  const { open, close, pause } = calendar.hoursOn(date(iso));
  const spans = pause === null ? [open, close] : [open, pause.from, pause.to, close];
  return spans.map(clock).join(' ');
};

/** Weekdays of a year without trading, and days that end early with their last minute. */
function year(calendar: ExchangeCalendar, of: number) {
  const weekdays: number[] = [];
  for (let day = dateOf(of, 1, 1); day < dateOf(of + 1, 1, 1); day += DAY) if (!isWeekend(day)) weekdays.push(day);
  const closed = weekdays.filter((day) => !calendar.tradesOn(day));
  const early = weekdays.filter((day) => calendar.tradesOn(day) && calendar.hoursOn(day).close < calendar.usual.close);
  return {
    closed: closed.map((day) => text(day).slice(5)).join(' '),
    early: early.map((day) => `${text(day).slice(5)} ${clock(calendar.hoursOn(day).close)}`),
  };
}

describe('the published year', () => {
  it.each([
    [
      '2026 of NYSE (nyse.com/markets/hours-calendars)',
      NEW_YORK,
      '01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25',
      ['11-27 13:00', '12-24 13:00'],
    ],
    [
      '2026 of London (londonstockexchange.com, business days)',
      LONDON,
      '01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28',
      ['12-24 12:30', '12-31 12:30'],
    ],
    [
      '2026 of Xetra (xetra.com, trading calendar)',
      FRANKFURT,
      '01-01 04-03 04-06 05-01 12-24 12-25 12-31',
      ['12-30 14:00'],
    ],
    [
      '2026 of Euronext (euronext.com, trading hours and holidays)',
      EURONEXT,
      '01-01 04-03 04-06 05-01 12-25',
      ['12-24 14:05', '12-31 14:05'],
    ],
    [
      '2026 of Toronto (tsx.com, calendar and trading hours)',
      TORONTO,
      '01-01 02-16 04-03 05-18 07-01 08-03 09-07 10-12 12-25 12-28',
      ['12-24 13:00'],
    ],
    [
      '2026 of Tokyo (jpx.co.jp, calendar)',
      TOKYO,
      '01-01 01-02 01-12 02-11 02-23 03-20 04-29 05-04 05-05 05-06 07-20 08-11 09-21 09-22 09-23 10-12 11-03 11-23 12-31',
      [],
    ],
    [
      '2026 of Hong Kong (hkex.com.hk, trading calendar)',
      HONG_KONG,
      '01-01 02-17 02-18 02-19 04-03 04-06 04-07 05-01 05-25 06-19 07-01 10-01 10-19 12-25',
      ['02-16 12:00', '12-24 12:00', '12-31 12:00'],
    ],
  ])('%s', (_source, calendar, closed, early) => {
    expect(year(calendar, 2026)).toEqual({ closed, early });
  });
});

describe('what no rule foresaw', () => {
  it.each([
    ['storms and funerals in New York', NEW_YORK, '2007-01-02 2012-10-29 2012-10-30 2018-12-05 2025-01-09'],
    ['a wedding, jubilees, a funeral and a coronation', LONDON, '2011-04-29 2012-06-05 2022-09-19 2023-05-08'],
    ['the Reformation', FRANKFURT, '2017-10-31'],
    ['an outage and an enthronement', TOKYO, '2020-10-01 2019-04-30 2019-05-01 2019-05-02 2019-10-22'],
    ['typhoons and an anniversary', HONG_KONG, '2015-09-03 2017-08-23 2023-09-08 2024-09-06'],
  ])('%s', (_what, calendar, list) => {
    expect(list.split(' ').filter((day) => calendar.tradesOn(date(day)))).toEqual([]);
  });

  it('moves what a year moved, and leaves the usual day alone', () => {
    expect(['2020-05-04', '2012-05-28', '2022-05-30'].map((day) => LONDON.tradesOn(date(day)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['2020-07-20', '2021-10-11', '2020-10-12'].map((day) => TOKYO.tradesOn(date(day)))).toEqual([
      true,
      true,
      true,
    ]);
    expect(['2020-07-23', '2021-08-09', '2015-09-22'].map((day) => TOKYO.tradesOn(date(day)))).toEqual([
      false,
      false,
      false,
    ]);
  });
});

describe('rules', () => {
  it('know when a holiday began, and what becomes of one at a weekend', () => {
    expect(NEW_YORK.tradesOn(date('2021-06-18'))).toBe(true);
    expect(NEW_YORK.tradesOn(date('2022-06-20'))).toBe(false);
    expect(NEW_YORK.tradesOn(date('2021-12-31'))).toBe(true);
    expect(NEW_YORK.tradesOn(date('2021-12-24'))).toBe(false);
    expect(LONDON.tradesOn(date('2022-12-27'))).toBe(false);
    expect(HONG_KONG.tradesOn(date('2021-04-06'))).toBe(false);
    expect(FRANKFURT.tradesOn(date('2022-06-06'))).toBe(true);
    expect(FRANKFURT.tradesOn(date('2021-05-24'))).toBe(false);
  });

  it('know the hours of the time', () => {
    expect(hours(TOKYO, '2024-11-01')).toBe('09:00 11:30 12:30 15:00');
    expect(hours(TOKYO, '2024-11-05')).toBe('09:00 11:30 12:30 15:30');
    expect(hours(HONG_KONG, '2010-06-01')).toBe('10:00 12:30 14:30 16:00');
    expect(hours(HONG_KONG, '2026-06-01')).toBe('09:30 12:00 13:00 16:00');
    expect(hours(HONG_KONG, '2026-12-24')).toBe('09:30 12:00');
  });

  it('go on where nobody has published a year yet', () => {
    expect(NEW_YORK.tradesOn(date('2040-11-22'))).toBe(false);
    expect(NEW_YORK.tradesOn(date('2040-11-23'))).toBe(true);
  });
});
