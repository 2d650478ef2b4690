import { unixSeconds } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { barClose, barEnd, barKey, currentBarKeys, previousBar, sessionBars } from './bars.ts';
import { isOpenAt, lastSessionMoment, nextOpen, sessionOf } from './sessions.ts';

const at = (iso: string) => Date.parse(iso) / 1_000;
const iso = (time: number) => new Date(time * 1_000).toISOString().slice(0, 16);
const facts = (
  exchange: string | null,
  timezone: string,
  sessionOpen: number | null = null,
  sessionClose: number | null = null,
) => sessionOf({ exchange, timezone, sessionOpen, sessionClose });

const NASDAQ = facts('NMS', 'America/New_York', 570, 960);
const LONDON = facts('LSE', 'Europe/London');
const TOKYO = facts('JPX', 'Asia/Tokyo');
const COIN = facts('CCC', 'UTC');
const FOREX = facts('CCY', 'Europe/London');
const INDIA = facts('NSI', 'Asia/Kolkata');

const keys = (session: ReturnType<typeof facts>, time: string, marketState = 'REGULAR') => {
  const found = currentBarKeys(session, { time: at(time), marketState });
  return [iso(found['1m']), iso(found['1h']), iso(found['1d'])];
};

describe('current bars of a quote', () => {
  it.each([
    [
      'first second of a winter session',
      NASDAQ,
      '2025-02-14T14:30:00Z',
      ['2025-02-14T14:30', '2025-02-14T14:30', '2025-02-14T00:00'],
    ],
    [
      'first second of a summer session',
      NASDAQ,
      '2025-07-14T13:30:00Z',
      ['2025-07-14T13:30', '2025-07-14T13:30', '2025-07-14T00:00'],
    ],
    ['in the middle', NASDAQ, '2025-02-14T16:29:59Z', ['2025-02-14T16:29', '2025-02-14T15:30', '2025-02-14T00:00']],
    ['last second', NASDAQ, '2025-02-14T20:59:59Z', ['2025-02-14T20:59', '2025-02-14T20:30', '2025-02-14T00:00']],
    ['at the close', NASDAQ, '2025-02-14T21:00:00Z', ['2025-02-14T20:59', '2025-02-14T20:30', '2025-02-14T00:00']],
    ['half an hour late', NASDAQ, '2025-02-14T21:30:00Z', ['2025-02-14T20:59', '2025-02-14T20:30', '2025-02-14T00:00']],
    [
      'London at half hours',
      LONDON,
      '2025-02-14T09:15:00Z',
      ['2025-02-14T09:15', '2025-02-14T09:00', '2025-02-14T00:00'],
    ],
    [
      'Tokyo, whose day begins the evening before in UTC',
      TOKYO,
      '2025-02-14T00:10:00Z',
      ['2025-02-14T00:10', '2025-02-14T00:00', '2025-02-14T00:00'],
    ],
    [
      'Bombay, a quarter past',
      INDIA,
      '2025-02-14T04:50:00Z',
      ['2025-02-14T04:50', '2025-02-14T04:45', '2025-02-14T00:00'],
    ],
    ['a coin on a Sunday', COIN, '2025-02-16T23:59:59Z', ['2025-02-16T23:59', '2025-02-16T23:00', '2025-02-16T00:00']],
    [
      'forex after midnight in London, before it in UTC',
      FOREX,
      '2025-07-14T23:30:00Z',
      ['2025-07-14T23:30', '2025-07-14T23:00', '2025-07-15T00:00'],
    ],
    [
      'a market that says it is open on a Saturday',
      NASDAQ,
      '2025-02-15T15:00:10Z',
      ['2025-02-15T15:00', '2025-02-15T14:30', '2025-02-15T00:00'],
    ],
  ])('%s', (_name, session, time, expected) => {
    expect(keys(session, time)).toEqual(expected);
  });

  it.each([
    ['stamped at the close', '2025-02-14T21:00:01Z', 'CLOSED'],
    ['stamped an hour later', '2025-02-14T22:00:01Z', 'POST'],
    ['stamped at the weekend', '2025-02-16T12:00:00Z', 'CLOSED'],
    ['stamped before Monday’s open', '2025-02-17T14:00:00Z', 'PRE'],
  ])('a price that is no longer made belongs to the last bar: %s', (_name, time, marketState) => {
    expect(keys(NASDAQ, time, marketState)).toEqual(['2025-02-14T20:59', '2025-02-14T20:30', '2025-02-14T00:00']);
  });

  it('leaves a price inside the session where it is when the market has closed early', () => {
    expect(keys(NASDAQ, '2025-07-03T16:59:59Z', 'CLOSED')[0]).toBe('2025-07-03T16:59');
  });
});

describe('sessions', () => {
  it('are those of the exchange when the vendor has told none, or a half day', () => {
    expect(facts('NYQ', 'America/New_York').hours).toEqual({ open: 34_200, close: 57_600 });
    expect(facts('NYQ', 'America/New_York', 570, 780).hours).toEqual({ open: 34_200, close: 57_600 });
    expect(facts('XYZ', 'America/New_York', 600, 780).hours).toEqual({ open: 36_000, close: 46_800 });
    expect(facts('XYZ', 'UTC').hours).toBeNull();
  });

  it('keep one day in one bar on both sides of a change of daylight saving time', () => {
    expect(iso(barKey(NASDAQ, '1d', at('2025-03-07T14:30:00Z')))).toBe('2025-03-07T00:00');
    expect(iso(barKey(NASDAQ, '1d', at('2025-03-10T13:30:00Z')))).toBe('2025-03-10T00:00');
    expect(iso(barKey(NASDAQ, '1h', at('2025-03-10T13:45:00Z')))).toBe('2025-03-10T13:30');
  });

  it('leave the last bars open for late prices', () => {
    expect(iso(barEnd(NASDAQ, '1m', at('2025-02-14T15:00:00Z')))).toBe('2025-02-14T15:01');
    expect(iso(barEnd(NASDAQ, '1h', at('2025-02-14T19:30:00Z')))).toBe('2025-02-14T20:30');
    for (const [resolution, key] of [
      ['1m', '2025-02-14T20:59:00Z'],
      ['1h', '2025-02-14T20:30:00Z'],
      ['1d', '2025-02-14T00:00:00Z'],
    ] as const) {
      expect(iso(barEnd(NASDAQ, resolution, at(key)))).toBe('2025-02-14T21:30');
    }
    expect(iso(barEnd(COIN, '1d', at('2025-02-14T00:00:00Z')))).toBe('2025-02-15T00:00');
    expect(iso(barEnd(FOREX, '1d', at('2025-07-14T00:00:00Z')))).toBe('2025-07-14T23:00');
  });

  it('rest at the weekend, except where they never do', () => {
    const sunday = at('2025-02-16T12:00:00Z');
    expect(iso(lastSessionMoment(NASDAQ, sunday))).toBe('2025-02-14T20:59');
    expect(iso(lastSessionMoment(FOREX, sunday))).toBe('2025-02-14T21:59');
    expect(unixSeconds(lastSessionMoment(COIN, sunday))).toBe(sunday);
  });
});

const HONG_KONG = facts('HKG', 'Asia/Hong_Kong');
const GOLD = facts('CMX', 'America/New_York');

describe('holidays and half days', () => {
  it('end the last bars of a half day with it', () => {
    const [hour, day] = [at('2026-11-27T17:30:00Z'), at('2026-11-27T00:00:00Z')];
    expect([barClose(NASDAQ, '1h', hour), barClose(NASDAQ, '1d', day)].map(iso)).toEqual([
      '2026-11-27T18:00',
      '2026-11-27T18:00',
    ]);
    expect([barEnd(NASDAQ, '1h', hour), barEnd(NASDAQ, '1d', day)].map(iso)).toEqual([
      '2026-11-27T18:30',
      '2026-11-27T18:30',
    ]);
    expect(keys(NASDAQ, '2026-11-27T18:00:09Z')).toEqual(['2026-11-27T17:59', '2026-11-27T17:30', '2026-11-27T00:00']);
  });

  it('are no moments of a session', () => {
    expect(iso(lastSessionMoment(NASDAQ, at('2026-11-26T17:00:00Z')))).toBe('2026-11-25T20:59');
    expect(iso(lastSessionMoment(NASDAQ, at('2026-11-27T20:00:00Z')))).toBe('2026-11-27T17:59');
    expect(iso(previousBar(NASDAQ, '1d', at('2026-11-27T00:00:00Z')))).toBe('2026-11-25T00:00');
    expect(iso(previousBar(NASDAQ, '1h', at('2026-11-30T14:30:00Z')))).toBe('2026-11-27T17:30');
  });

  it('keep an instrument’s longer hours, cut short on half days', () => {
    const longer = facts('NYQ', 'America/New_York', 570, 975);
    expect(iso(barClose(longer, '1d', at('2026-11-25T00:00:00Z')))).toBe('2026-11-25T21:15');
    expect(iso(barClose(longer, '1d', at('2026-11-27T00:00:00Z')))).toBe('2026-11-27T18:00');
  });
});

describe('the next opening', () => {
  const next = (session: ReturnType<typeof facts>, time: string) => {
    const found = nextOpen(session, at(time));
    return found === null ? null : iso(found);
  };

  it('is today before the bell, tomorrow after it, Monday over the weekend, and after the holidays', () => {
    expect(next(NASDAQ, '2026-11-20T10:00:00Z')).toBe('2026-11-20T14:30');
    expect(next(NASDAQ, '2026-11-19T14:30:00Z')).toBe('2026-11-20T14:30');
    expect(next(NASDAQ, '2026-11-20T22:00:00Z')).toBe('2026-11-23T14:30');
    expect(next(NASDAQ, '2026-04-02T20:30:00Z')).toBe('2026-04-06T13:30');
    expect(next(TOKYO, '2026-04-30T07:00:00Z')).toBe('2026-05-01T00:00');
    expect(next(TOKYO, '2026-05-01T07:00:00Z')).toBe('2026-05-07T00:00');
  });

  it('keeps the local time across a change of clocks', () => {
    expect(next(NASDAQ, '2026-10-30T21:00:00Z')).toBe('2026-11-02T14:30');
    expect(next(NASDAQ, '2026-03-06T22:00:00Z')).toBe('2026-03-09T13:30');
    // The United States change their clocks before Europe does: for currencies too, Sunday evening is New York's.
    expect(next(FOREX, '2026-03-14T12:00:00Z')).toBe('2026-03-15T21:00');
    expect(next(FOREX, '2026-01-10T12:00:00Z')).toBe('2026-01-11T22:00');
  });

  it('never comes where trading never stops', () => {
    expect(next(COIN, '2026-11-21T12:00:00Z')).toBeNull();
  });
});

describe('bars of the sessions', () => {
  const bars = (session: ReturnType<typeof facts>, resolution: '1m' | '1h' | '1d', from: string, to: string) =>
    sessionBars(session, resolution, at(from), at(to)).map(iso);

  it('follow the sessions over a holiday and a half day', () => {
    expect(bars(NASDAQ, '1d', '2026-11-24T00:00:00Z', '2026-11-30T00:00:00Z').map((key) => key.slice(5, 10))).toEqual([
      '11-24',
      '11-25',
      '11-27',
      '11-30',
    ]);
    expect(bars(NASDAQ, '1h', '2026-11-25T20:00:00Z', '2026-11-28T00:00:00Z')).toEqual([
      '2026-11-25T20:30',
      '2026-11-27T14:30',
      '2026-11-27T15:30',
      '2026-11-27T16:30',
      '2026-11-27T17:30',
    ]);
    expect(bars(NASDAQ, '1m', '2026-11-27T00:00:00Z', '2026-11-28T00:00:00Z')).toHaveLength(210);
  });

  it('leave out a lunch break', () => {
    expect(bars(HONG_KONG, '1m', '2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z')).toHaveLength(330);
    expect(bars(HONG_KONG, '1h', '2026-11-24T00:00:00Z', '2026-11-25T00:00:00Z').map((key) => key.slice(11))).toEqual([
      '01:30',
      '02:30',
      '03:30',
      '04:30',
      '05:30',
      '06:30',
      '07:30',
    ]);
    expect(isOpenAt(HONG_KONG, at('2026-11-24T04:30:00Z'))).toBe(false);
    expect(iso(lastSessionMoment(HONG_KONG, at('2026-11-24T04:30:00Z')))).toBe('2026-11-24T03:59');
  });

  it('go round the clock for a coin, five days for a currency, with a pause for futures', () => {
    const [from, to] = ['2026-11-20T00:00:00Z', '2026-11-23T23:59:00Z'];
    expect(bars(COIN, '1h', from, to)).toHaveLength(96);
    expect(bars(FOREX, '1h', from, to)).toHaveLength(22 + 2 + 24);
    expect(bars(FOREX, '1d', from, to).map((key) => key.slice(5, 10))).toEqual(['11-20', '11-23']);
    expect(bars(GOLD, '1h', '2026-11-22T00:00:00Z', '2026-11-24T04:59:00Z')).toHaveLength(6 + 23);
    expect(iso(barKey(FOREX, '1d', at('2026-11-22T22:30:00Z')))).toBe('2026-11-23T00:00');
    expect(iso(previousBar(FOREX, '1d', at('2026-11-23T00:00:00Z')))).toBe('2026-11-20T00:00');
    expect(isOpenAt(FOREX, at('2026-11-21T12:00:00Z'))).toBe(false);
  });
});

it('every bar of a session is the bar of its own moments, and bars do not overlap', () => {
  for (const session of [NASDAQ, LONDON, TOKYO, HONG_KONG, FOREX, INDIA]) {
    const hours = sessionBars(session, '1h', at('2026-02-15T00:00:00Z'), at('2026-04-15T00:00:00Z'));
    for (const [place, key] of hours.entries()) {
      expect(barKey(session, '1h', key)).toBe(key);
      expect(barKey(session, '1h', barClose(session, '1h', key) - 1)).toBe(key);
      expect(barClose(session, '1h', key)).toBeLessThanOrEqual(hours[place + 1] ?? Number.POSITIVE_INFINITY);
    }
  }
});
