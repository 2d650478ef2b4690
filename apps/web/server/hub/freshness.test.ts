import { unixSeconds } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { freshnessOf, type FreshnessInputs } from './freshness.ts';

const now = unixSeconds(Date.UTC(2026, 10, 20, 15, 0) / 1_000);
const ago = (seconds: number) => unixSeconds(now - seconds);
type Changes = { [K in 'ticker' | 'quote' | 'feed']?: Partial<FreshnessInputs[K]> | null } & { databaseGone?: boolean };

function state(changes: Changes) {
  const quote = { quoteTime: ago(2), marketState: 'REGULAR', delaySeconds: 0, source: 'yahoo' };
  const feed = { source: 'yahoo', pollSeconds: 5, okAt: ago(3) };
  return freshnessOf({
    ticker: {
      exchange: 'NMS',
      timezone: 'America/New_York',
      sessionOpen: 570,
      sessionClose: 960,
      delaySeconds: 0,
      ...changes.ticker,
    },
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

describe('a market that rests', () => {
  /** Thanksgiving of 2026, noon in New York; the vendor has not noticed. */
  const holiday = unixSeconds(Date.UTC(2026, 10, 26, 17) / 1_000);
  const told = (at: number, quote: { marketState: string; quoteTime: number }, exchange = 'NMS') =>
    freshnessOf({
      ticker: { exchange, timezone: 'America/New_York', sessionOpen: 570, sessionClose: 960, delaySeconds: 0 },
      quote: {
        delaySeconds: 0,
        source: 'yahoo',
        marketState: quote.marketState,
        quoteTime: unixSeconds(quote.quoteTime),
      },
      feed: { source: 'yahoo', pollSeconds: 5, okAt: unixSeconds(at - 3) },
      databaseGone: false,
      now: unixSeconds(at),
    });

  it('is closed on a holiday, whatever the vendor calls it, and opens on the next day of trading', () => {
    const opensAt = Date.UTC(2026, 10, 27, 14, 30) / 1_000;
    for (const marketState of ['REGULAR', 'CLOSED']) {
      expect(told(holiday, { marketState, quoteTime: holiday - 72_000 })).toMatchObject({ state: 'closed', opensAt });
    }
  });

  it('is closed after the end of a half day, and opens after the weekend', () => {
    const halfDay = Date.UTC(2026, 10, 27, 18, 5) / 1_000;
    const opensAt = Date.UTC(2026, 10, 30, 14, 30) / 1_000;
    expect(told(halfDay, { marketState: 'REGULAR', quoteTime: halfDay - 299 })).toMatchObject({
      state: 'closed',
      opensAt,
    });
    expect(told(halfDay - 600, { marketState: 'REGULAR', quoteTime: halfDay - 899 })).toMatchObject({ state: 'stale' });
  });

  it('is stale where prices came against the calendar and then stopped', () => {
    expect(told(holiday, { marketState: 'REGULAR', quoteTime: holiday - 61 })).toMatchObject({ state: 'stale' });
  });

  it('is live where prices come although the calendar rests, and stale where no calendar is known', () => {
    expect(told(holiday, { marketState: 'REGULAR', quoteTime: holiday - 2 })).toMatchObject({ state: 'live' });
    expect(told(holiday, { marketState: 'REGULAR', quoteTime: holiday - 72_000 }, 'XYZ')).toMatchObject({
      state: 'stale',
    });
  });
});
