/**
 * A market that can be asked about any moment without stepping through its history.
 *
 * Days: a random walk by midpoints. The variance of a span of days is split between its halves by a random share
 * (a multiplicative cascade, as in Mandelbrot's multifractal model), which gives volatility clusters and fat tails;
 * the price in the middle is then drawn from the Brownian bridge between the ends.
 * Hours, minutes and seconds: each bar is cut into smaller ones by the same bridge, fitted so that they touch
 * exactly the bar's high and low. So a coarse bar always equals the aggregate of its finer ones.
 */
import { drawsAt, type Draws } from './random.ts';

const DAY = 86_400;
const HOURS = 24;
/** The walk spans 2^15 days from 2010-01-01; outside of it prices stay where the walk ends. */
const FIRST_DAY = 14_610;
const LEVELS = 15;
/** The day on which a ticker has its base price: 2026-01-01. */
const ANCHOR_DAY = 20_454;
const CASCADE_SPREAD = 0.2;
/** Beyond this horizon the walk is held back, so that no ticker ends at a thousandth or a thousandfold of its base. */
const TAME_DAYS = 128;
const DRIFT_PER_DAY = 0.06 / 365;

export interface Candle {
  time: number;
  open: number;
  high: number;
  low: number;
  close: number;
  volume: number;
}

/** Log prices and the variance between them. */
interface Span extends Candle {
  variance: number;
}

export interface MarketOptions {
  seed: number;
  /** Price on the anchor day. */
  basePrice: number;
  /** Standard deviation of a day's log return. */
  dailyVolatility: number;
  /** Shares on a day of average volatility. */
  dailyVolume: number;
  priceDecimals: number;
}

export interface Market {
  /** The 24 hours of the UTC day that begins at `day` × 86,400. */
  hours(day: number): Candle[];
  minutes(hourStart: number): Candle[];
  /** The second that begins at `time`: its close is the last price at `time`. */
  seconds(minuteStart: number): Candle[];
}

export function createMarket(options: MarketOptions): Market {
  const { seed, basePrice, dailyVolatility, dailyVolume, priceDecimals } = options;
  const dayVariance = dailyVolatility ** 2;
  const anchor = Math.log(basePrice) - dayStart(seed, dayVariance, ANCHOR_DAY).value;
  const logPrice = (day: number, walk: number) => anchor + walk + DRIFT_PER_DAY * (day - ANCHOR_DAY);
  const scale = 10 ** priceDecimals;
  const toPrice = (log: number) => Math.max(1, Math.round(Math.exp(log) * scale)) / scale;
  const toCandle = ({ time, open, high, low, close, volume }: Span): Candle => ({
    time,
    open: toPrice(open),
    high: toPrice(high),
    low: toPrice(low),
    close: toPrice(close),
    volume,
  });

  // Polls and rising reads ask for neighbours: the last answer of each kind is kept.
  const hourSpans = remembered((day: number) => {
    const { value, variance } = dayStart(seed, dayVariance, day);
    const open = logPrice(day, value);
    const close = logPrice(day + 1, dayStart(seed, dayVariance, day + 1).value);
    const draws = drawsAt(seed, day, 1);
    const activity = Math.sqrt(variance / dayVariance);
    const volume = Math.round(dailyVolume * activity * Math.exp(0.25 * draws.normal()));
    const span: Span = { time: day * DAY, open, high: 0, low: 0, close, variance, volume };
    return cut(span, HOURS, 3_600, draws, dayShape, false);
  });
  const minuteSpans = remembered((hourStart: number) => {
    const spans = hourSpans(Math.floor(hourStart / DAY));
    const hour = spanAt(spans, (hourStart % DAY) / 3_600);
    // Within its range a quiet hour moves as much as any: a price of two decimals would stand still.
    const span = { ...hour, variance: Math.max(hour.variance, dayVariance / HOURS) };
    return cut(span, 60, 60, drawsAt(seed, hourStart, 2), flat, true);
  });
  const secondSpans = remembered((minuteStart: number) => {
    const hourStart = Math.floor(minuteStart / 3_600) * 3_600;
    const span = spanAt(minuteSpans(hourStart), (minuteStart - hourStart) / 60);
    return cut(span, 60, 1, drawsAt(seed, minuteStart, 3), flat, true);
  });
  return {
    hours: (day) => hourSpans(day).map(toCandle),
    minutes: (hourStart) => minuteSpans(hourStart).map(toCandle),
    seconds: (minuteStart) => secondSpans(minuteStart).map(toCandle),
  };
}

/** The walk's value when a day begins, and that day's variance. */
function dayStart(seed: number, dayVariance: number, day: number): { value: number; variance: number } {
  let from = 0;
  let to = 2 ** LEVELS;
  const at = Math.min(to - 1, Math.max(0, day - FIRST_DAY));
  let variance = dayVariance * to;
  let left = 0;
  let right = 0;
  while (to - from > 1) {
    const middle = (from + to) / 2;
    const draws = drawsAt(seed, middle, to - from);
    const share = 1 / (1 + Math.exp(-2 * CASCADE_SPREAD * draws.normal()));
    const spread = Math.sqrt(variance * share * (1 - share) * Math.min(1, TAME_DAYS / (to - from)));
    const value = left + share * (right - left) + spread * draws.normal();
    if (at < middle) {
      to = middle;
      right = value;
      variance *= share;
    } else {
      from = middle;
      left = value;
      variance *= 1 - share;
    }
  }
  return { value: left, variance };
}

/** Busy at the open and the close of the day, quiet around noon: weights of mean 1. */
function dayShape(hour: number): number {
  return 0.5 + 1.5 * ((2 * hour + 1) / HOURS - 1) ** 2;
}

function flat(): number {
  return 1;
}

/**
 * Cuts a span into `count` pieces. With `bounded`, high and low of the pieces together are exactly those of the span.
 */
function cut(
  span: Span,
  count: number,
  seconds: number,
  draws: Draws,
  shape: (piece: number) => number,
  bounded: boolean,
): Span[] {
  const weights = Array.from({ length: count }, (_, piece) => shape(piece) * Math.exp(0.5 * draws.normal()));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const pieces: Span[] = [];
  let walked = 0;
  let passed = 0;
  let sold = 0;
  const steps = weights.map((weight) => Math.sqrt((span.variance * weight) / total) * draws.normal());
  const excess = steps.reduce((sum, step) => sum + step, 0) - (span.close - span.open);
  let open = span.open;
  for (const [index, weight] of weights.entries()) {
    walked += steps[index] ?? 0;
    passed += weight / total;
    const isLast = index === count - 1;
    const close = isLast ? span.close : span.open + walked - passed * excess;
    const variance = (span.variance * weight) / total;
    // Cumulative rounding: the pieces' shares add up to the span's.
    const volume = (isLast ? span.volume : Math.floor(span.volume * passed)) - sold;
    sold += volume;
    const high = bridgeTop(open, close, variance, draws.uniform());
    const low = -bridgeTop(-open, -close, variance, draws.uniform());
    pieces.push({ time: span.time + index * seconds, open, high, low, close, variance, volume });
    open = close;
  }
  return bounded ? fitted(pieces, span) : pieces;
}

/** The maximum of a Brownian bridge from a to b, drawn from its exact law. */
function bridgeTop(a: number, b: number, variance: number, uniform: number): number {
  return (a + b + Math.sqrt((b - a) ** 2 - 2 * variance * Math.log(uniform))) / 2;
}

/**
 * What lies above both ends of the span and falls short of its high is stretched to end there, and the same below. What goes
 * beyond is reflected: squeezed into a narrow room it would stand still, for a quarter of an hour and more.
 */
function fitted(pieces: readonly Span[], span: Span): Span[] {
  const upper = Math.max(span.open, span.close);
  const lower = Math.min(span.open, span.close);
  let top = upper;
  let bottom = lower;
  for (const piece of pieces) {
    if (piece.high > top) top = piece.high;
    if (piece.low < bottom) bottom = piece.low;
  }
  const up = top > upper ? Math.max(1, (span.high - upper) / (top - upper)) : 1;
  const down = bottom < lower ? Math.max(1, (lower - span.low) / (lower - bottom)) : 1;
  const stretch = (value: number) => {
    // The extremes are hit exactly, not up to rounding.
    if (value === top && up > 1) return span.high;
    if (value === bottom && down > 1) return span.low;
    if (value > upper) return upper + (value - upper) * up;
    return value < lower ? lower - (lower - value) * down : value;
  };
  return pieces.map((piece) => {
    const { open, high, low, close } = piece;
    const whole = { ...piece, open: stretch(open), high: stretch(high), low: stretch(low), close: stretch(close) };
    return reflected(whole, span.low, span.high);
  });
}

/** A piece of a path that turns round at both bounds. */
function reflected(piece: Span, low: number, high: number): Span {
  const around = 2 * (high - low);
  const at = (value: number) => {
    if (around === 0 || (value >= low && value <= high)) return Math.min(high, Math.max(low, value));
    const phase = (((value - low) % around) + around) % around;
    return low + Math.min(phase, around - phase);
  };
  /** Whether it comes to a bound, or to one of the bound's images. */
  const reaches = (bound: number) =>
    around > 0 && Math.floor((piece.high - bound) / around) >= Math.ceil((piece.low - bound) / around);
  const prices = [piece.open, piece.high, piece.low, piece.close].map(at);
  return {
    ...piece,
    open: at(piece.open),
    close: at(piece.close),
    high: reaches(high) ? high : Math.max(...prices),
    low: reaches(low) ? low : Math.min(...prices),
  };
}

function spanAt(spans: readonly Span[], index: number): Span {
  const span = spans[index];
  if (span === undefined) throw new RangeError(`no piece ${index} of ${spans.length}: the time is not on the grid`);
  return span;
}

function remembered<T>(compute: (key: number) => T): (key: number) => T {
  let last: { key: number; value: T } | undefined;
  return (key) => {
    if (last?.key !== key) last = { key, value: compute(key) };
    return last.value;
  };
}
