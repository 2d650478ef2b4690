import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { ticker } from './sources/conformance.ts';
import type { Quote, SourceBar } from './sources/source.ts';
import { validateBars, validateQuotes } from './validate.ts';

const NOW = 1_740_000_000;
const MSFT = ticker('MSFT');

const GOOD_BAR: SourceBar = { time: NOW - 120, open: 10, high: 12, low: 9, close: 11, closeAdj: 11, volume: 5 };
const GOOD_QUOTE: Quote = {
  instrument: {
    ticker: MSFT,
    name: null,
    exchange: 'NMS',
    currency: 'USD',
    timezone: 'America/New_York',
    instrumentType: 'EQUITY',
    priceDecimals: 2,
    sessionOpen: null,
    sessionClose: null,
  },
  price: 10,
  time: unixSeconds(NOW - 1),
  previousClose: 9,
  dayOpen: 9.5,
  dayHigh: 10.5,
  dayLow: 9.25,
  dayVolume: 1_000,
  marketState: 'REGULAR',
  delaySeconds: 0,
};

describe('bars', () => {
  it.each<[string, Partial<SourceBar>]>([
    ['null_price', { close: null }],
    ['null_price', { open: null, high: null, low: null, close: null }],
    ['not_a_number', { high: Number.NaN }],
    ['not_a_number', { open: Number.POSITIVE_INFINITY }],
    ['not_positive', { low: 0 }],
    ['not_positive', { low: -1 }],
    ['high_below_low', { high: 8 }],
    ['negative_volume', { volume: -1 }],
    ['in_the_future', { time: NOW + 3_600 }],
    ['missing_time', { time: Number.NaN }],
  ])('refuses %s: %j, and keeps the rest', (reason, fault) => {
    const bad = { ...GOOD_BAR, ...fault };
    const { kept, rejected } = validateBars(MSFT, '1m', [GOOD_BAR, bad, GOOD_BAR], NOW);
    expect(kept).toEqual([GOOD_BAR, GOOD_BAR]);
    expect(rejected).toEqual([{ ticker: MSFT, resolution: '1m', reason, raw: bad }]);
  });

  it('keeps a bar without volume', () => {
    expect(validateBars(MSFT, '1d', [{ ...GOOD_BAR, volume: null }], NOW).kept).toHaveLength(1);
  });
});

describe('quotes', () => {
  it.each<[string, Partial<Quote>]>([
    ['null_price', { price: null }],
    ['not_a_number', { price: Number.NaN }],
    ['not_positive', { price: 0 }],
    ['missing_time', { time: null }],
    ['in_the_future', { time: unixSeconds(NOW + 600) }],
    ['older_than_last', { time: unixSeconds(NOW - 61) }],
    ['high_below_low', { dayHigh: 1, dayLow: 2 }],
    ['negative_volume', { dayVolume: -1 }],
    ['other_unit', { price: 1_000, previousClose: 9.9, dayOpen: 10.1 }],
    ['other_unit', { price: 0.1, previousClose: 9.9, dayOpen: 10.1 }],
  ])('refuses %s: %j, and keeps the rest', (reason, fault) => {
    const last = new Map([[MSFT, unixSeconds(NOW - 60)]]);
    const bad = { ...GOOD_QUOTE, ...fault };
    const { kept, rejected } = validateQuotes([bad, GOOD_QUOTE], NOW, last);
    expect(kept).toEqual([GOOD_QUOTE]);
    expect(rejected).toEqual([{ ticker: MSFT, resolution: null, reason, raw: bad }]);
  });

  it('takes the same time again: the database knows whether it is news', () => {
    const last = new Map<typeof MSFT, UnixSeconds>([[MSFT, unixSeconds(NOW - 1)]]);
    expect(validateQuotes([GOOD_QUOTE], NOW, last).kept).toHaveLength(1);
  });

  it('believes a price on a new level when the day has opened there', () => {
    const { kept } = validateQuotes([{ ...GOOD_QUOTE, price: 1_000, previousClose: 10, dayOpen: 990 }], NOW, new Map());
    expect(kept).toHaveLength(1);
  });

  it('lets the day contain its own last price, and forgets day values that cannot be', () => {
    const [wide] = validateQuotes([{ ...GOOD_QUOTE, price: 11 }], NOW, new Map()).kept;
    expect(wide).toMatchObject({ dayHigh: 11, dayLow: 9.25 });
    const [bare] = validateQuotes([{ ...GOOD_QUOTE, dayOpen: 0, dayLow: null, previousClose: 0 }], NOW, new Map()).kept;
    expect(bare).toMatchObject({ dayOpen: null, dayLow: null, previousClose: null });
  });
});
