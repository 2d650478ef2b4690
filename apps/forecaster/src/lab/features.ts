/** What a model of the lab may see, by checklist: each row knows its own bar and earlier ones, and nothing of the price's unit. */
import { type LabFeature } from '@tapecast/contracts/lab';
import { BollingerBands, StochasticOscillator } from 'trading-signals';
import { INDICATOR_NAMES, indicatorRows } from '../models/indicators.ts';

/** Closed bars, oldest first; all arrays are equally long, no price is NaN. */
export interface LabBars {
  times: readonly number[];
  opens: Float64Array;
  highs: Float64Array;
  lows: Float64Array;
  closes: Float64Array;
  /** 0 where unknown. */
  volumes: Float64Array;
  /** Weekday (0 is Sunday) and minutes since midnight where the exchange is. */
  weekdays: Uint8Array;
  minutes: Uint16Array;
}

const AVERAGES = [10, 20, 50, 200];
const VOLATILITY_SPANS = [10, 20, 60];
const CALM = 1e-12;

/** Bars before the first row that is used: the slowest of the indicators is settled by then. */
export function warmUpOf(features: readonly LabFeature[]): number {
  return features.includes('moving-averages') ? 200 : 60;
}

type Column = [name: string, values: Float64Array];

/**
 * @returns one row for each bar, the first `warmUpOf(features)` of which are not to be used, and the columns' names
 */
export function featureRows(
  bars: LabBars,
  features: readonly LabFeature[],
): { rows: Float64Array[]; columns: string[] } {
  const wanted = new Set(features);
  const columns: Column[] = [
    ...fromIndicators(bars, wanted),
    ...(wanted.has('moving-averages') ? movingAverages(bars) : []),
    ...(wanted.has('stochastic') ? stochastic(bars) : []),
    ...(wanted.has('bollinger') ? bollinger(bars) : []),
    ...(wanted.has('volatility') ? volatility(bars) : []),
    ...(wanted.has('calendar') ? calendar(bars) : []),
  ];
  const rows = Array.from(bars.times, (_, t) =>
    Float64Array.from(columns, ([, values]) => {
      const value = values[t] ?? 0;
      return Number.isFinite(value) ? value : 0;
    }),
  );
  return { rows, columns: columns.map(([name]) => name) };
}

/** Columns that the forecaster's boosted model sees too. */
const OF_INDICATORS: Partial<Record<LabFeature, RegExp>> = {
  returns: /^return-/,
  rsi: /^rsi-/,
  macd: /^macd$/,
  cci: /^cci-/,
  atr: /^atr-/,
  volume: /^volume/,
};

function fromIndicators(bars: LabBars, wanted: ReadonlySet<LabFeature>): Column[] {
  const patterns = [...wanted].flatMap((feature) => OF_INDICATORS[feature] ?? []);
  const names = INDICATOR_NAMES.filter((name) => patterns.some((pattern) => pattern.test(name)));
  if (names.length === 0) return [];
  const log = (values: Float64Array): Float64Array => values.map(Math.log);
  const trading = { highs: log(bars.highs), lows: log(bars.lows), volumes: bars.volumes };
  const rows = indicatorRows(log(bars.closes), trading);
  return names.map((name) => {
    const index = INDICATOR_NAMES.indexOf(name);
    return [name, Float64Array.from(rows, (row) => row[index] ?? 0)];
  });
}

/** How far the close is from its average over so many bars, as a logarithm. */
function movingAverages({ closes }: LabBars): Column[] {
  return AVERAGES.map((span) => {
    let sum = 0;
    const values = closes.map((close, t) => {
      sum += close - (t >= span ? (closes[t - span] ?? 0) : 0);
      return Math.log(close / (sum / Math.min(t + 1, span)));
    });
    return [`average-${span}`, values];
  });
}

function stochastic({ highs, lows, closes }: LabBars): Column[] {
  const oscillator = new StochasticOscillator({ kPeriod: 14, kSlowingPeriod: 3, dPeriod: 3 });
  const [k, d] = [new Float64Array(closes.length), new Float64Array(closes.length)];
  closes.forEach((close, t) => {
    oscillator.add({ high: highs[t] ?? close, low: lows[t] ?? close, close });
    const result = oscillator.getResult();
    [k[t], d[t]] = [result?.stochK ?? 50, result?.stochD ?? 50];
  });
  return [
    ['stochastic-k', k],
    ['stochastic-d', d],
  ];
}

/** Where the close lies between the bands (0 to 1 within), and how wide they are. */
function bollinger({ closes }: LabBars): Column[] {
  const bands = new BollingerBands(20, 2);
  const [place, width] = [new Float64Array(closes.length), new Float64Array(closes.length)];
  closes.forEach((close, t) => {
    bands.add(close);
    const result = bands.getResult();
    if (result === null || result === undefined) return;
    const span = result.upper - result.lower;
    place[t] = (close - result.lower) / Math.max(span, CALM * close);
    width[t] = span / result.middle;
  });
  return [
    ['bollinger-place', place],
    ['bollinger-width', width],
  ];
}

/** Standard deviation of the log returns over so many bars, as a logarithm: shares count, not differences. */
function volatility({ closes }: LabBars): Column[] {
  const returns = closes.map((close, t) => (t === 0 ? 0 : Math.log(close / (closes[t - 1] ?? close))));
  return VOLATILITY_SPANS.map((span) => {
    const values = returns.map((_, t) => {
      let squares = 0;
      for (let back = Math.max(1, t - span + 1); back <= t; back++) squares += (returns[back] ?? 0) ** 2;
      return Math.log(Math.sqrt(squares / Math.max(1, Math.min(t, span))) + 1e-8);
    });
    return [`volatility-${span}`, values];
  });
}

/** Weekday and time of day, each on its circle; the season on its. */
function calendar({ times, weekdays, minutes }: LabBars): Column[] {
  const circle = (name: string, angle: (t: number) => number): Column[] => [
    [`${name}-sin`, Float64Array.from(times, (_, t) => Math.sin(2 * Math.PI * angle(t)))],
    [`${name}-cos`, Float64Array.from(times, (_, t) => Math.cos(2 * Math.PI * angle(t)))],
  ];
  return [
    ...circle('weekday', (t) => (weekdays[t] ?? 0) / 7),
    ...circle('time', (t) => (minutes[t] ?? 0) / 1_440),
    ...circle('season', (t) => ((times[t] ?? 0) / 86_400 / 365.25) % 1),
  ];
}
