import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collect, conformsToPriceSource, ticker } from './conformance.ts';
import { createSimulatedSource } from './simulated.ts';
import type { SourceBar } from './source.ts';

const never = new AbortController().signal;
const DAY = 86_400;
const NOON = Date.UTC(2026, 5, 15, 12, 34, 56) / 1_000;
const MSFT = ticker('MSFT');

conformsToPriceSource('simulated', async () => ({
  source: sourceAt(NOON),
  tickers: [MSFT, ticker('ZZZ')],
  now: () => NOON,
  close: async () => undefined,
}));

describe('simulated', () => {
  it('computes the same bar whenever and however it is asked for', async () => {
    const whole = await barsBetween(NOON, '1m', NOON - 2 * DAY, NOON);
    const time = fc.integer({ min: 0, max: whole.length - 2 });
    await fc.assert(
      fc.asyncProperty(time, fc.integer({ min: 0, max: 400 * DAY }), async (index, later) => {
        const bar = whole[index];
        const alone = await barsBetween(NOON + later, '1m', bar?.time ?? 0, (bar?.time ?? 0) + 60);
        expect(alone).toEqual([bar]);
      }),
      { numRuns: 50 },
    );
  });

  it('differs by seed and by ticker', async () => {
    const bars = await Promise.all(
      [1, 2].map(async (seed) =>
        (await sourceAt(NOON, seed).quotes([MSFT, ticker('TSLA')], never)).quotes.map(({ price }) => price),
      ),
    );
    expect(new Set(bars.flat()).size).toBe(4);
  });

  it('makes hours of minutes and days of hours, exactly', async () => {
    const from = Math.floor(NOON / DAY) * DAY - 3 * DAY;
    const minutes = await barsBetween(NOON, '1m', from, from + 3 * DAY);
    const hours = await barsBetween(NOON, '1h', from, from + 3 * DAY);
    const days = await barsBetween(NOON, '1d', from, from + 3 * DAY);
    expect(hours).toEqual(grouped(minutes, 3_600));
    expect(days).toEqual(grouped(hours, DAY));
  });

  it('quotes what the bars of that moment will say', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: NOON - 30 * DAY, max: NOON }), async (now) => {
        const minute = Math.floor(now / 60) * 60;
        const seconds = Array.from({ length: 60 }, (_, second) => minute + second);
        const quotes = await Promise.all(
          seconds.map(async (second) => (await sourceAt(second).quotes([MSFT], never)).quotes[0]),
        );
        const [bar] = await barsBetween(minute + 60, '1m', minute, minute + 60);
        const prices = quotes.map((quote) => quote?.price ?? 0);
        expect(prices.at(-1)).toBe(bar?.close);
        expect(Math.max(...prices)).toBeLessThanOrEqual(bar?.high ?? 0);
        expect(Math.min(...prices)).toBeGreaterThanOrEqual(bar?.low ?? 0);
        const volumes = quotes.map((quote) => quote?.dayVolume ?? 0);
        expect(volumes).toEqual([...volumes].sort((a, b) => a - b));
      }),
      { numRuns: 10 },
    );
  });

  it('never stands still for minutes', async () => {
    const slow = ticker('XOM');
    let stillSince = { price: 0, second: NOON };
    let longest = 0;
    let now = NOON;
    const source = createSimulatedSource({ clock: { now: () => now * 1_000, sleep: async () => undefined } });
    for (; now < NOON + DAY; now += 1) {
      const price = (await source.quotes([slow], never)).quotes[0]?.price ?? 0;
      if (price !== stillSince.price) stillSince = { price, second: now };
      longest = Math.max(longest, now - stillSince.second);
    }
    expect(longest).toBeLessThan(120);
  });

  it('tells the hour that is forming, so that it does not begin with the first quote that is heard', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: NOON - 30 * DAY, max: NOON }), async (now) => {
        const hour = Math.floor(now / 3_600) * 3_600;
        const [forming] = await barsBetween(now, '1h', hour, now + 60);
        const [whole] = await barsBetween(hour + 3_600, '1h', hour, hour + 3_600);
        const [quote] = (await sourceAt(now).quotes([MSFT], never)).quotes;
        expect(forming).toMatchObject({ time: hour, open: whole?.open, close: quote?.price });
        expect(forming?.high).toBeLessThanOrEqual(whole?.high ?? 0);
        expect(forming?.low).toBeGreaterThanOrEqual(whole?.low ?? 0);
        expect(forming?.volume).toBeLessThanOrEqual(whole?.volume ?? 0);
      }),
      { numRuns: 20 },
    );
  });

  it('ends a day with the quote of its last second', async () => {
    const midnight = Math.floor(NOON / DAY) * DAY;
    const [quote] = (await sourceAt(midnight - 1).quotes([MSFT], never)).quotes;
    const [day] = await barsBetween(NOON, '1d', midnight - DAY, midnight);
    expect(quote).toMatchObject({
      price: day?.close,
      dayOpen: day?.open,
      dayHigh: day?.high,
      dayLow: day?.low,
      dayVolume: day?.volume,
    });
  });

  it('looks like a market: plausible level and volatility, clusters, fat tails, busy edges of the day', async () => {
    const days = await barsBetween(NOON, '1d', NOON - 3_650 * DAY, NOON);
    const closes = days.map(({ close }) => close ?? 0);
    expect(Math.min(...closes)).toBeGreaterThan(420 / 6);
    expect(Math.max(...closes)).toBeLessThan(420 * 6);
    const returns = closes.slice(1).map((close, index) => Math.log(close / (closes[index] ?? close)));
    const variance = mean(returns.map((value) => value ** 2));
    expect(Math.sqrt(variance)).toBeGreaterThan(0.01);
    expect(Math.sqrt(variance)).toBeLessThan(0.025);
    expect(mean(returns.map((value) => value ** 4)) / variance ** 2).toBeGreaterThan(3.5);
    expect(correlation(returns, 1, (value) => value)).toBeLessThan(0.1);
    expect(correlation(returns, 1, Math.abs)).toBeGreaterThan(0.05);

    const hours = await barsBetween(NOON, '1h', NOON - 200 * DAY, NOON);
    const volumeAt = (hour: number) =>
      mean(hours.filter(({ time }) => (time / 3_600) % 24 === hour).map(({ volume }) => volume ?? 0));
    expect(volumeAt(0)).toBeGreaterThan(2 * volumeAt(12));
    expect(volumeAt(23)).toBeGreaterThan(2 * volumeAt(12));
  });
});

function sourceAt(seconds: number, seed = 1) {
  return createSimulatedSource({ seed, clock: { now: () => seconds * 1_000, sleep: async () => undefined } });
}

async function barsBetween(
  now: number,
  resolution: '1m' | '1h' | '1d',
  from: number,
  to: number,
): Promise<SourceBar[]> {
  const range: { from: UnixSeconds; to: UnixSeconds } = { from: unixSeconds(from), to: unixSeconds(to) };
  const pages = await collect(sourceAt(now).bars({ ticker: MSFT, resolution, ...range, order: 'oldest-first' }, never));
  return pages.flatMap(({ bars }) => bars);
}

function grouped(bars: readonly SourceBar[], width: number): SourceBar[] {
  const groups = Map.groupBy(bars, ({ time }) => Math.floor(time / width) * width);
  return [...groups].map(([time, group]) => ({
    time,
    open: group[0]?.open ?? null,
    high: Math.max(...group.map(({ high }) => high ?? Number.NaN)),
    low: Math.min(...group.map(({ low }) => low ?? Number.NaN)),
    close: group.at(-1)?.close ?? null,
    closeAdj: group.at(-1)?.closeAdj ?? null,
    volume: group.reduce((sum, { volume }) => sum + (volume ?? 0), 0),
  }));
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function correlation(values: readonly number[], lag: number, of: (value: number) => number): number {
  const seen = values.map(of);
  const centre = mean(seen);
  const spread = mean(seen.map((value) => (value - centre) ** 2));
  return mean(seen.slice(lag).map((value, index) => (value - centre) * ((seen[index] ?? 0) - centre))) / spread;
}
