/**
 * Rolling-origin backtest of the whole forecaster: at each origin it is handed the bars up to there, copied, and asked what
 * it would have shown. Errors are in logarithms, so that a price of 10 counts like one of 1,000.
 */
import { type Forecasts, type ModelOutcome } from '../forecast.ts';
import { isRefusal, type ForecastInput, type Quantiles, type Refusal } from '../model.ts';
import { dieboldMariano } from './diebold-mariano.ts';
import { mase, msis, pinballLoss, skill, smape } from './measures.ts';

export interface BacktestOptions {
  /** The whole series. */
  series: Omit<ForecastInput, 'horizon' | 'levels'>;
  horizon: number;
  levels: readonly number[];
  /** Positions of the last bar known, rising; `horizon` bars follow each. */
  origins: readonly number[];
  /** Bars handed over, as a worker would read them. */
  window: number;
  forecaster: (input: ForecastInput) => Forecasts | Refusal;
  onOrigin?: (done: number) => void;
}

export interface ModelReport {
  /** `shown` stands for whatever was shown at each origin. */
  model: string;
  /** Origins at which it did not refuse. */
  trials: number;
  /** Share of outcomes within each central band, by the share that it was to hold: `{ '0.5': 0.49, … }`. */
  coverage: Record<string, number>;
  pinball: number;
  mase: number;
  smape: number;
  msis95: number | null;
  /** By pinball loss against the last price at the same origins, and how likely luck alone does as well. */
  skill: number;
  pValue: number;
}

export interface Backtest {
  /** Origins at which no model could say anything. */
  refused: number;
  shown: Record<string, number>;
  models: ModelReport[];
}

interface Trial {
  origin: number;
  quantiles: Quantiles;
  loss: number;
}

export const SHOWN = 'shown';
const REFERENCE = 'last-price';

export function backtest(options: BacktestOptions): Backtest {
  const { series, horizon, origins, forecaster } = options;
  const records = new Map<string, Trial[]>();
  const shown: Record<string, number> = {};
  let refused = 0;
  origins.forEach((origin, k) => {
    const outcome = forecaster(inputAt(options, origin));
    options.onOrigin?.(k + 1);
    if (isRefusal(outcome)) {
      refused += 1;
      return;
    }
    shown[outcome.shown] = (shown[outcome.shown] ?? 0) + 1;
    const actual = outcomesOf(series.closes, origin, horizon).map(Math.log);
    for (const { model, quantiles } of said(outcome)) {
      const logs = quantiles.map((row) => row.map(Math.log));
      const trial = { origin, quantiles, loss: pinballLoss(logs, options.levels, actual) };
      records.set(model, [...(records.get(model) ?? []), trial]);
    }
  });
  const reference = records.get(REFERENCE) ?? [];
  const models = [...records].map(([model, trials]) => report(model, trials, reference, options));
  return { refused, shown, models };
}

function said({ shown, models }: Forecasts): { model: string; quantiles: Quantiles }[] {
  const able = models.flatMap(({ model, outcome }: ModelOutcome) =>
    isRefusal(outcome) ? [] : [{ model, quantiles: outcome }],
  );
  const chosen = able.find(({ model }) => model === shown);
  return chosen === undefined ? able : [...able, { ...chosen, model: SHOWN }];
}

/** Copies: whatever a model does with them, later bars are out of its reach. */
function inputAt({ series, horizon, levels, window }: BacktestOptions, origin: number): ForecastInput {
  const [from, to] = [Math.max(0, origin + 1 - window), origin + 1];
  const cut = (values: ArrayLike<number>): Float64Array => Float64Array.from(values).slice(from, to);
  const { closes, highs, lows, volumes, season } = series;
  return {
    closes: cut(closes),
    ...(highs && { highs: cut(highs) }),
    ...(lows && { lows: cut(lows) }),
    ...(volumes && { volumes: cut(volumes) }),
    season,
    horizon,
    levels,
  };
}

function outcomesOf(closes: ArrayLike<number>, origin: number, horizon: number): number[] {
  return Array.from({ length: horizon }, (_, h) => closes[origin + 1 + h] ?? Number.NaN);
}

function report(model: string, trials: Trial[], reference: Trial[], options: BacktestOptions): ModelReport {
  const { series, horizon, levels, origins, window } = options;
  const walks = new Map(reference.map(({ origin, loss }) => [origin, loss]));
  const pairs = trials.flatMap(({ origin, loss }) => {
    const walk = walks.get(origin);
    return walk === undefined ? [] : [{ loss, walk }];
  });
  const spacing = origins.length > 1 ? ((origins.at(-1) ?? 0) - (origins[0] ?? 0)) / (origins.length - 1) : horizon;
  const overlap = Math.max(0, Math.ceil(horizon / spacing) - 1);
  const scores = trials.map(({ origin, quantiles }) => {
    const known = Array.from(inputAt(options, origin).closes).slice(-window);
    const actual = outcomesOf(series.closes, origin, horizon);
    const at = (level: number): number[] => quantiles.map((row) => row[levels.indexOf(level)] ?? Number.NaN);
    const median = at(0.5);
    return {
      mase: mase(known, actual, median),
      smape: smape(actual, median),
      msis95: msis({ known, actual, lower: at(0.025), upper: at(0.975), share: 0.95 }),
    };
  });
  return {
    model,
    trials: trials.length,
    coverage: coverageOf(trials, series.closes, levels),
    pinball: mean(trials.map(({ loss }) => loss)),
    mase: mean(scores.map((score) => score.mase)),
    smape: mean(scores.map((score) => score.smape)),
    msis95: levels.includes(0.025) && levels.includes(0.975) ? mean(scores.map((score) => score.msis95)) : null,
    skill: skill(mean(pairs.map(({ loss }) => loss)), mean(pairs.map(({ walk }) => walk))),
    pValue: dieboldMariano(
      pairs.map(({ loss, walk }) => walk - loss),
      overlap,
    ).pValue,
  };
}

function coverageOf(trials: Trial[], closes: ArrayLike<number>, levels: readonly number[]): Record<string, number> {
  const bands = levels.flatMap((level, low) => {
    const high = levels.findIndex((other) => Math.abs(other - (1 - level)) < 1e-9);
    return level < 0.5 && high >= 0 ? [{ share: String(Number((1 - 2 * level).toFixed(6))), low, high }] : [];
  });
  return Object.fromEntries(
    bands.map(({ share, low, high }) => {
      const inside = trials.flatMap(({ origin, quantiles }) =>
        quantiles.map((row, h) => {
          const actual = closes[origin + 1 + h] ?? Number.NaN;
          return actual >= (row[low] ?? 0) && actual <= (row[high] ?? 0) ? 1 : 0;
        }),
      );
      return [share, mean(inside)];
    }),
  );
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
