/**
 * Prices for a machine without a vendor: deterministic in (seed, ticker, time), around the clock, and always marked as
 * simulated. They live in a database of their own.
 */
import type { NativeResolution } from '@tapecast/contracts/resolution';
import type { Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds } from '@tapecast/contracts/units';
import { systemClock, type Clock } from '../clock.ts';
import { hashText } from './random.ts';
import { characterOf } from './simulated-instruments.ts';
import { createMarket, type Candle, type Market } from './simulated-market.ts';
import type { BarsPage, BarsQuery, Instrument, PriceSource, Quote, SourceBar } from './source.ts';

const DAY = 86_400;
const HOUR = 3_600;
/** Simulated history begins on 2010-01-01. */
const EARLIEST = 14_610 * DAY;
const PAGE_BARS = 2_000;

const WIDTH: Record<NativeResolution, number> = { '1m': 60, '1h': HOUR, '1d': DAY };

export interface SimulatedOptions {
  seed?: number;
  clock?: Clock;
}

export function createSimulatedSource({ seed = 1, clock = systemClock }: SimulatedOptions = {}): PriceSource {
  const markets = new Map<Ticker, Market>();
  const marketOf = (ticker: Ticker) => {
    const market = markets.get(ticker) ?? createMarket({ ...characterOf(ticker), seed: hashText(`${seed}/${ticker}`) });
    markets.set(ticker, market);
    return market;
  };
  return {
    name: 'simulated',
    quotes: async (tickers, signal) => {
      signal.throwIfAborted();
      const now = Math.floor(clock.now() / 1_000);
      return { quotes: tickers.map((ticker) => quoteAt(marketOf(ticker), ticker, now)), rejected: [] };
    },
    earliest: () => unixSeconds(EARLIEST),
    bars: async function* (query: BarsQuery, signal: AbortSignal): AsyncGenerator<BarsPage> {
      signal.throwIfAborted();
      const market = marketOf(query.ticker);
      const width = WIDTH[query.resolution];
      const now = Math.floor(clock.now() / 1_000);
      const newest = Math.floor(now / width) * width;
      const start = Math.max(query.from, EARLIEST);
      // Of the bar that is forming a quote tells only the day's: an hour began before the first one was heard.
      const forming: BarsPage[] =
        query.resolution === '1h' && newest >= start && newest < query.to
          ? [{ instrument: describe(query.ticker), bars: [toBar(passedOf(market, newest, now))], actions: [] }]
          : [];
      if (query.order === 'newest-first') yield* forming;
      for (const page of pages(start, Math.min(query.to, newest), width * PAGE_BARS, query.order)) {
        signal.throwIfAborted();
        const bars = barsOf(market, query.resolution, page.from, page.to);
        yield { instrument: describe(query.ticker), bars, actions: [] };
      }
      signal.throwIfAborted();
      if (query.order === 'oldest-first') yield* forming;
    },
  };
}

function describe(ticker: Ticker): Instrument {
  const { name, priceDecimals } = characterOf(ticker);
  return {
    ticker,
    name,
    exchange: 'SIM',
    currency: 'USD',
    timezone: 'UTC',
    instrumentType: 'EQUITY',
    priceDecimals,
    sessionOpen: null,
    sessionClose: null,
  };
}

function pages(from: number, to: number, width: number, order: BarsQuery['order']) {
  const found: { from: number; to: number }[] = [];
  for (let end = to; end > from; end -= width) found.push({ from: Math.max(from, end - width), to: end });
  return order === 'newest-first' ? found : found.reverse();
}

/** Bars whose start lies in `[from, to)`. */
function barsOf(market: Market, resolution: NativeResolution, from: number, to: number): SourceBar[] {
  const candles: Candle[] = [];
  const block = resolution === '1m' ? HOUR : DAY;
  for (let start = Math.floor(from / block) * block; start < to; start += block) {
    if (resolution === '1m') candles.push(...market.minutes(start));
    else if (resolution === '1h') candles.push(...market.hours(start / DAY));
    else candles.push(together(market.hours(start / DAY)));
  }
  return candles.filter((candle) => candle.time >= from && candle.time < to).map(toBar);
}

function toBar(candle: Candle): SourceBar {
  return { ...candle, closeAdj: candle.close };
}

/** What has happened from the beginning of an hour, or of a day, up to second `now`. */
function passedOf(market: Market, from: number, now: number): Candle {
  const hourStart = Math.floor(now / HOUR) * HOUR;
  const minuteStart = Math.floor(now / 60) * 60;
  return together([
    ...(from < hourStart ? market.hours(Math.floor(from / DAY)).filter((hour) => hour.time < hourStart) : []),
    ...market.minutes(hourStart).filter((minute) => minute.time < minuteStart),
    ...market.seconds(minuteStart).filter((second) => second.time <= now),
  ]);
}

/** The quote of second `now`: its day is made of the hours, minutes and seconds that have passed. */
function quoteAt(market: Market, ticker: Ticker, now: number): Quote {
  const passed = passedOf(market, Math.floor(now / DAY) * DAY, now);
  return {
    instrument: describe(ticker),
    price: passed.close,
    time: unixSeconds(now),
    // Around the clock, yesterday's close is today's open.
    previousClose: passed.open,
    dayOpen: passed.open,
    dayHigh: passed.high,
    dayLow: passed.low,
    dayVolume: passed.volume,
    marketState: 'REGULAR',
    delaySeconds: 0,
  };
}

function together(candles: readonly Candle[]): Candle {
  const [first] = candles;
  const last = candles.at(-1);
  if (first === undefined || last === undefined) throw new RangeError('a bar needs at least one piece');
  let { high, low } = first;
  let volume = 0;
  for (const candle of candles) {
    if (candle.high > high) high = candle.high;
    if (candle.low < low) low = candle.low;
    volume += candle.volume;
  }
  return { time: first.time, open: first.open, high, low, close: last.close, volume };
}
