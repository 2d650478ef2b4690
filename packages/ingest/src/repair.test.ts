import { sessionOf } from '@tapecast/calendar/sessions';
import { unixSeconds } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { historyStart } from './backfill.ts';
import { newestClosedBar, nextHourClose } from './repair.ts';

const at = (iso: string) => unixSeconds(Date.parse(iso) / 1_000);
const iso = (time: number) => new Date(time * 1_000).toISOString().slice(0, 16);
const NASDAQ = sessionOf({ exchange: 'NMS', timezone: 'America/New_York', sessionOpen: 570, sessionClose: 960 });
const FOREX = sessionOf({ exchange: 'CCY', timezone: 'Europe/London', sessionOpen: null, sessionClose: null });
const COIN = sessionOf({ exchange: 'CCC', timezone: 'UTC', sessionOpen: null, sessionClose: null });

describe('newest closed bar', () => {
  it.each([
    ['1m', NASDAQ, '2025-02-14T15:02:10Z', '2025-02-14T15:01'],
    ['1m', NASDAQ, '2025-02-14T15:02:09Z', '2025-02-14T15:00'],
    ['1m', NASDAQ, '2025-02-16T12:00:00Z', '2025-02-14T20:59'],
    ['1m', NASDAQ, '2025-02-14T21:10:00Z', '2025-02-14T20:58'],
    ['1h', NASDAQ, '2025-02-14T15:02:00Z', '2025-02-13T20:30'],
    ['1h', NASDAQ, '2025-02-14T15:31:00Z', '2025-02-14T14:30'],
    ['1d', NASDAQ, '2025-02-14T20:00:00Z', '2025-02-13T00:00'],
    ['1d', NASDAQ, '2025-02-14T21:31:00Z', '2025-02-14T00:00'],
    ['1d', NASDAQ, '2025-02-17T12:00:00Z', '2025-02-14T00:00'],
    ['1d', NASDAQ, '2026-11-27T12:00:00Z', '2026-11-25T00:00'],
    ['1h', NASDAQ, '2026-11-27T18:31:00Z', '2026-11-27T17:30'],
    ['1m', NASDAQ, '2026-11-26T18:00:00Z', '2026-11-25T20:59'],
    ['1d', FOREX, '2026-11-22T23:00:00Z', '2026-11-20T00:00'],
    ['1d', COIN, '2025-02-16T00:01:00Z', '2025-02-15T00:00'],
    ['1h', COIN, '2025-02-16T00:01:00Z', '2025-02-15T23:00'],
  ] as const)('%s at %s', (resolution, session, now, expected) => {
    expect(iso(newestClosedBar(session, resolution, at(now), { delaySeconds: 0, isOpen: false }))).toBe(expected);
  });

  it('waits for a delayed vendor', () => {
    expect(iso(newestClosedBar(COIN, '1m', at('2025-02-16T12:00:30Z'), { delaySeconds: 900, isOpen: true }))).toBe(
      '2025-02-16T11:44',
    );
  });
});

describe('a market that is open outside of its session', () => {
  it.each([
    ['1m', '2025-02-16T12:00:30Z', '2025-02-16T11:59'],
    ['1h', '2025-02-16T12:00:30Z', '2025-02-16T10:30'],
    ['1m', '2025-02-14T21:10:00Z', '2025-02-14T20:58'],
  ] as const)('is believed: %s at %s', (resolution, now, expected) => {
    expect(iso(newestClosedBar(NASDAQ, resolution, at(now), { delaySeconds: 0, isOpen: true }))).toBe(expected);
  });
});

describe('the next look', () => {
  it('comes when the hour of the session has closed', () => {
    const now = at('2025-02-14T15:02:30Z');
    expect(iso(nextHourClose(NASDAQ, now, 0))).toBe('2025-02-14T15:30');
    expect(iso(nextHourClose(COIN, now, 0))).toBe('2025-02-14T16:00');
  });
});

describe('the beginning of a history', () => {
  it('is BACKFILL_FROM for days, and never deeper than usual for finer bars', () => {
    const to = at('2025-02-14T00:00:00Z');
    const newest = at('2025-02-10T00:00:00Z');
    const old = at('2010-01-01T00:00:00Z');
    expect(historyStart('1d', to, old)).toBe(old);
    expect(historyStart('1h', to, old)).toBe(to - 730 * 86_400);
    expect(historyStart('1m', to, null)).toBe(to - 7 * 86_400);
    expect(historyStart('1m', to, newest)).toBe(newest);
  });
});
