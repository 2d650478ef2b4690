/** From closes to the quantiles of every model, and which of them to show. Pure: the worker and benchmarks call it. */
import { autoArima } from './auto-arima.ts';
import { autoEtsModel } from './auto-ets.ts';
import { boostedIndicators } from './boosted-indicators.ts';
import { chooseShown, type ModelLosses } from './choose.ts';
import { directRegression } from './direct-regression.ts';
import { drift } from './drift.ts';
import { combine, ENSEMBLE } from './ensemble.ts';
import { pinballLoss } from './evaluation/measures.ts';
import { learnShape, type ErrorShape } from './error-shape.ts';
import { quantilesAround } from './intervals.ts';
import { lagRegression } from './lag-regression.ts';
import { lastPrice } from './last-price.ts';
import { indicatorRows } from './indicators.ts';
import { learnErrors } from './model-errors.ts';
import { isRefusal, type ForecastInput, type Model, type Quantiles, type Refusal } from './model.ts';
import { mstl } from './mstl.ts';
import { chooseOrigins, chooseSeparate, pathsFrom } from './origins.ts';
import { seasonalNaive } from './seasonal-naive.ts';
import { seasonalSmoothing } from './seasonal-smoothing.ts';
import { prepareSeries } from './series.ts';
import { theta } from './theta.ts';
import { prepareTrading } from './trading.ts';
import { measureVolatility, type Volatility } from './volatility.ts';

export const MODELS: readonly Model[] = [
  lastPrice,
  drift,
  seasonalNaive,
  theta,
  autoEtsModel,
  autoArima,
  mstl,
  seasonalSmoothing,
  lagRegression,
  directRegression,
  boostedIndicators,
];

export interface ModelOutcome {
  model: string;
  outcome: Quantiles | Refusal;
}

export interface Forecasts {
  /** Name of the model to show; always one that did not refuse. */
  shown: string;
  models: ModelOutcome[];
}

/** What was known at one moment, and what the random walk's errors up to then teach. */
interface Known {
  logs: Float64Array;
  volatility: Volatility;
  shape: ErrorShape;
}

/** One model, what it says now and what it said at each origin. */
interface Trial {
  model: string;
  path: Float64Array | Refusal;
  paths: readonly (Float64Array | null)[];
}

/** One model alone. */
export function forecast(model: Model, input: ForecastInput): Quantiles | Refusal {
  const outcomes = forecastAll(input, [model]);
  if (isRefusal(outcomes)) return outcomes;
  return outcomes.models.find(({ model: name }) => name === model.name)?.outcome ?? [];
}

/** @returns a refusal when no model can say anything; else each model's quantiles or its own refusal */
export function forecastAll(input: ForecastInput, models: readonly Model[] = MODELS): Forecasts | Refusal {
  const { season, horizon, levels } = input;
  const logs = prepareSeries(input.closes);
  if (isRefusal(logs)) return logs;
  const indicators = indicatorRows(logs, prepareTrading(input, logs));
  const origins = chooseOrigins(logs.length, horizon, season);
  const separate = chooseSeparate(origins, horizon);
  const now = knownAt(logs, season, horizon);
  const then = origins.map((origin) => knownAt(logs.subarray(0, origin + 1), season, horizon));

  const trials = models.map((model): Trial => {
    const path = model.path(logs, season, horizon, indicators);
    const asked = isRefusal(path) ? [] : origins;
    const paths = pathsFrom({ model, logs, season, horizon, origins: asked, indicators });
    return { model: model.name, path, paths: origins.map((_, k) => paths[k] ?? null) };
  });
  if (models.length > 1) trials.push(ensembleOf(trials, now, origins, horizon));

  const rows = trials.map(({ model, path, paths }) => {
    if (isRefusal(path)) return { model, outcome: path, losses: origins.map(() => null) };
    const quantiles = (known: Known, from: Float64Array, count: number): number[][] => {
      const tried = { origins: origins.slice(0, count), paths: paths.slice(0, count) };
      const errors = learnErrors({ ...known, horizon, ...tried });
      const at = known.logs.length - 1;
      const [last, scales] = [known.logs[at] ?? 0, known.volatility.scalesAt(at, horizon)];
      return quantilesAround({ path: from, last, scales, errors, shape: known.shape, levels });
    };
    const losses = then.map((known, k) => {
      const from = paths[k];
      const outcome = logs.subarray(known.logs.length, known.logs.length + horizon);
      // A model's first trial has a band that nothing has taught yet; it is no trial of the model.
      return separate[k] && from && paths.slice(0, k).some((earlier) => earlier !== null)
        ? pinballLoss(quantiles(known, from, k), levels, outcome)
        : null;
    });
    const prices = quantiles(now, path, origins.length).map((row) => row.map((log) => Math.exp(log)));
    return { model, outcome: prices, losses };
  });

  return { shown: choose(rows), models: rows.map(({ model, outcome }) => ({ model, outcome })) };
}

function knownAt(logs: Float64Array, season: readonly number[], horizon: number): Known {
  const volatility = measureVolatility(logs, season);
  return { logs, volatility, shape: learnShape(logs, volatility, horizon) };
}

function ensembleOf(trials: readonly Trial[], known: Known, origins: readonly number[], horizon: number): Trial {
  const members = trials.flatMap(({ path, paths }) => (isRefusal(path) ? [] : [{ path, paths }]));
  const ensemble = combine({ members, logs: known.logs, volatility: known.volatility, origins, horizon });
  if (ensemble !== null) return { model: ENSEMBLE, ...ensemble };
  const message = `${known.logs.length} bars; too few to have tried the models on`;
  return { model: ENSEMBLE, path: { refused: 'short', message }, paths: [] };
}

function choose(rows: { model: string; outcome: Quantiles | Refusal; losses: (number | null)[] }[]): string {
  const able: ModelLosses[] = rows
    .filter(({ outcome }) => !isRefusal(outcome))
    .map(({ model, losses }) => ({ name: model, losses }));
  const reference = able.find(({ name }) => name === lastPrice.name) ?? able[0];
  if (reference === undefined) return lastPrice.name;
  const others = able.filter((model) => model !== reference);
  return chooseShown(
    reference,
    others.toSorted((a, b) => Number(b.name === ENSEMBLE) - Number(a.name === ENSEMBLE)),
  );
}
