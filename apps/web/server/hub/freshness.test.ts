import { unixSeconds } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { freshnessOf, nextOpen, type FreshnessInputs } from './freshness.ts';

const now = unixSeconds(Date.UTC(2026, 10, 20, 15, 0) / 1_000);
const ago = (seconds: number) => unixSeconds(now - seconds);
type Changes = { [K in 'ticker' | 'quote' | 'feed']?: Partial<FreshnessInputs[K]> | null } & { databaseGone?: boolean };

function state(changes: Changes) {
  const quote = { quoteTime: ago(2), marketState: 'REGULAR', delaySeconds: 0, source: 'yahoo' };
  const feed = { source: 'yahoo', pollSeconds: 5, okAt: ago(3) };
  return freshnessOf({
    ticker: { timezone: 'America/New_York', sessionOpen: 570, delaySeconds: 0, ...changes.ticker },
    quote: changes.quote === null ? null : { ...quote, ...changes.quote },
    feed: changes.feed === null ? null : { ...feed, ...changes.feed },
    databaseGone: changes.databaseGone ?? false,
    now,
  }).state;
}

describe('freshnessOf', () => {
  it.each<[string, Changes, string]>([
    ['a new price', {}, 'live'],
    ['a declared delay', { quote: { delaySeconds: 900, quoteTime: ago(910) } }, 'delayed'],
    ['an old price', { quote: { quoteTime: ago(26) } }, 'stale'],
    ['a price as old as the patience', { quote: { quoteTime: ago(25) } }, 'live'],
    // `now` is a whole minute: so is a minute ago.
    ['a price stamped by its minute', { quote: { quoteTime: ago(60) } }, 'live'],
    ['a price stamped by a minute that is long over', { quote: { quoteTime: ago(120) } }, 'stale'],
    ['an old price beyond its delay', { quote: { delaySeconds: 900, quoteTime: ago(926) } }, 'stale'],
    ['a market that rests', { quote: { marketState: 'CLOSED', quoteTime: ago(90_000) } }, 'closed'],
    ['a mute feed, market open', { feed: { okAt: ago(26) } }, 'stale'],
    ['a mute feed, market closed', { feed: { okAt: ago(26) }, quote: { marketState: 'CLOSED' } }, 'stale'],
    ['a fast feed is given 15 s', { feed: { pollSeconds: 1, okAt: ago(15) } }, 'live'],
    ['simulated prices', { quote: { source: 'simulated' } }, 'simulated'],
    ['a simulation that stopped', { quote: { source: 'simulated' }, feed: { okAt: ago(60) } }, 'stale'],
    ['no poll yet', { feed: null }, 'stale'],
    ['no price yet', { quote: null }, 'stale'],
    ['no database', { databaseGone: true }, 'stale'],
  ])('%s', (_name, changes, expected) => {
    expect(state(changes)).toBe(expected);
  });
});

describe('nextOpen', () => {
  const open = (iso: string, zone = 'America/New_York', minute = 570) =>
    new Date(nextOpen(zone, minute, unixSeconds(Date.parse(iso) / 1_000)) * 1_000).toISOString();

  it('is today before the bell, tomorrow after it, Monday over the weekend', () => {
    expect(open('2026-11-20T10:00:00Z')).toBe('2026-11-20T14:30:00.000Z');
    expect(open('2026-11-19T14:30:00Z')).toBe('2026-11-20T14:30:00.000Z');
    expect(open('2026-11-20T22:00:00Z')).toBe('2026-11-23T14:30:00.000Z');
  });

  it('keeps the local time across a change of clocks', () => {
    expect(open('2026-10-30T21:00:00Z')).toBe('2026-11-02T14:30:00.000Z');
    expect(open('2026-03-06T22:00:00Z')).toBe('2026-03-09T13:30:00.000Z');
    expect(open('2026-11-20T08:00:00Z', 'Asia/Tokyo', 540)).toBe('2026-11-23T00:00:00.000Z');
  });
});
