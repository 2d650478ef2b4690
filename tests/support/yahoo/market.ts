/** Made-up prices around a recorded one: a function of symbol and time, so that charts and quotes tell the same. */
import type { Json, Recordings } from './recordings.ts';

export interface Served {
  time: number;
  price: number;
}

export interface StubMarket {
  /** The price at a time; no rounding, no ticks. */
  priceAt(symbol: string, time: number): number;
  /** A new quote: later and with another price than the last one, unless time is frozen. */
  quote(symbol: string, now: number, frozen: boolean): Json;
  /** What has been served, in order. */
  served(symbol: string): readonly Served[];
  decimals(symbol: string): number;
  generated(symbol: string): boolean;
  /** From now on all made-up prices of the symbol, past ones too, are those of `ratio` times as many shares. */
  split(symbol: string, ratio: number): void;
}

interface SymbolState {
  served: Served[];
  last: Json | null;
  volume: number;
  high: number;
  low: number;
}

export function createStubMarket({ quotes }: Recordings): StubMarket {
  const states = new Map<string, SymbolState>();
  const template = (symbol: string) => quotes.get(symbol) ?? madeUp(symbol);
  const divisors = new Map<string, number>();
  const base = (symbol: string) => Number(template(symbol)['regularMarketPrice']) / (divisors.get(symbol) ?? 1);
  const decimals = (symbol: string) => Number(template(symbol)['priceHint'] ?? 2);
  const bases = new Map<string, { base: number; phase: number }>();
  const priceAt = (symbol: string, time: number) => {
    const known = bases.get(symbol) ?? { base: base(symbol), phase: hash(symbol) };
    bases.set(symbol, known);
    const wave = (seconds: number, size: number) => size * Math.sin((2 * Math.PI * time) / seconds + known.phase);
    const noise = (scramble(known.phase ^ Math.floor(time / 7)) % 1_000) / 1_000 - 0.5;
    return known.base * Math.exp(wave(31_556_952, 0.15) + wave(777_600, 0.03) + wave(5_400, 0.004) + noise * 0.001);
  };
  const stateOf = (symbol: string) => {
    const state = states.get(symbol) ?? {
      served: [],
      last: null,
      volume: Number(template(symbol)['regularMarketVolume'] ?? 0),
      high: Number.NEGATIVE_INFINITY,
      low: Number.POSITIVE_INFINITY,
    };
    states.set(symbol, state);
    return state;
  };
  return {
    priceAt,
    decimals,
    generated: (symbol) => !quotes.has(symbol),
    served: (symbol) => stateOf(symbol).served,
    split: (symbol, ratio) => {
      divisors.set(symbol, (divisors.get(symbol) ?? 1) * ratio);
      bases.delete(symbol);
      const state = stateOf(symbol);
      state.high = Number.NEGATIVE_INFINITY;
      state.low = Number.POSITIVE_INFINITY;
    },
    quote: (symbol, now, frozen) => {
      const state = stateOf(symbol);
      if (frozen && state.last !== null) return state.last;
      const before = state.served.at(-1);
      const time = Math.max(Math.floor(now / 1_000), (before?.time ?? 0) + 1);
      const tick = 10 ** -decimals(symbol);
      let price = round(priceAt(symbol, time), decimals(symbol));
      if (price === before?.price) price = round(price + tick, decimals(symbol));
      const open = round(base(symbol), decimals(symbol));
      state.served.push({ time, price });
      state.volume += 100 + (hash(`${symbol}${time}`) % 900);
      state.high = Math.max(state.high, price, open);
      state.low = Math.min(state.low, price, open);
      state.last = {
        ...template(symbol),
        symbol,
        marketState: 'REGULAR',
        regularMarketPrice: price,
        regularMarketTime: time,
        regularMarketOpen: open,
        regularMarketPreviousClose: open,
        regularMarketDayHigh: state.high,
        regularMarketDayLow: state.low,
        regularMarketVolume: state.volume,
      };
      return state.last;
    },
  };
}

export function round(value: number, decimals: number): number {
  return Number(value.toFixed(decimals));
}

function madeUp(symbol: string): Json {
  return {
    language: 'en-US',
    region: 'US',
    quoteType: 'EQUITY',
    longName: `${symbol} (generated)`,
    currency: 'USD',
    exchange: 'NMS',
    exchangeTimezoneName: 'America/New_York',
    exchangeTimezoneShortName: 'EST',
    gmtOffSetMilliseconds: -18_000_000,
    market: 'us_market',
    fullExchangeName: 'NasdaqGS',
    esgPopulated: false,
    sourceInterval: 15,
    exchangeDataDelayedBy: 0,
    triggerable: true,
    tradeable: false,
    marketState: 'REGULAR',
    priceHint: 2,
    regularMarketPrice: 20 + (hash(symbol) % 40_000) / 100,
    regularMarketVolume: 1_000_000,
  };
}

function hash(text: string): number {
  let value = 7;
  for (const letter of text) value = (Math.imul(value, 31) + (letter.codePointAt(0) ?? 0)) >>> 0;
  return scramble(value);
}

function scramble(value: number): number {
  const mixed = Math.imul(value ^ (value >>> 15), 0x2c1b3c6d) >>> 0;
  return (mixed ^ (mixed >>> 13)) >>> 0;
}
