import { unixSeconds } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { barEnd, barKey, currentBarKeys, lastSessionMoment, sessionOf } from './sessions.ts';

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
    expect(iso(lastSessionMoment(FOREX, sunday))).toBe('2025-02-14T23:59');
    expect(unixSeconds(lastSessionMoment(COIN, sunday))).toBe(sunday);
  });
});
