import { sessionOf } from '@tapecast/calendar/sessions';
import { unixSeconds } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { historyStart, planFill } from './backfill.ts';
import { needsRepair, newestClosedBar, nextHourClose } from './repair.ts';

const at = (iso: string) => unixSeconds(Date.parse(iso) / 1_000);
const iso = (time: number) => new Date(time * 1_000).toISOString().slice(0, 16);
const NASDAQ = sessionOf({ exchange: 'NMS', timezone: 'America/New_York', sessionOpen: 570, sessionClose: 960 });
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

describe('repair', () => {
  const now = at('2025-02-14T15:02:30Z');
  it('is needed when vendor bars are missing, and not when the market rests', () => {
    const needs = (newest: string | undefined, when = now) =>
      needsRepair(
        NASDAQ,
        { resolution: '1m', newest: newest === undefined ? undefined : at(newest), delaySeconds: 0, isOpen: false },
        when,
      );
    expect(needs(undefined)).toBe(true);
    expect(needs('2025-02-14T14:59:00Z')).toBe(true);
    expect(needs('2025-02-14T15:01:00Z')).toBe(false);
    expect(needs('2025-02-14T20:59:00Z', at('2025-02-16T00:00:00Z'))).toBe(false);
  });

  it('comes when the hour of the session has closed', () => {
    expect(iso(nextHourClose(NASDAQ, now, 0))).toBe('2025-02-14T15:30');
    expect(iso(nextHourClose(COIN, at('2025-02-14T15:02:30Z'), 0))).toBe('2025-02-14T16:00');
  });
});

describe('fill plan', () => {
  const from = at('2025-01-01T00:00:00Z');
  const to = at('2025-02-14T00:00:00Z');
  const newest = at('2025-02-10T00:00:00Z');
  it.each([
    ['at first start: everything, new to old', null, { from, to, order: 'newest-first' }],
    [
      'after a first fill that was cut short: again',
      { newest, reachesStart: false },
      { from, to, order: 'newest-first' },
    ],
    ['later: after the newest vendor bar', { newest, reachesStart: true }, { from: newest, to, order: 'oldest-first' }],
  ] as const)('%s', (_name, stored, expected) => {
    expect(planFill({ from, to, stored })).toEqual(expected);
  });

  it('takes BACKFILL_FROM for days, and never deeper than usual for finer bars', () => {
    const old = at('2010-01-01T00:00:00Z');
    expect(historyStart('1d', to, old)).toBe(old);
    expect(historyStart('1h', to, old)).toBe(to - 730 * 86_400);
    expect(historyStart('1m', to, null)).toBe(to - 7 * 86_400);
    expect(historyStart('1m', to, newest)).toBe(newest);
  });
});
