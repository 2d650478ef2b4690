/** From closes to the quantiles of every model, and which of them to show. Pure: the worker and benchmarks call it. */
import { autoEtsModel } from './auto-ets.ts';
import { chooseShown, pinballLoss, type ModelLosses } from './choose.ts';
import { drift } from './drift.ts';
import { errorRatios, learnShape, quantilesAround, type ErrorShape } from './intervals.ts';
import { lastPrice } from './last-price.ts';
import { isRefusal, type ForecastInput, type Model, type Quantiles, type Refusal } from './model.ts';
import { mstl } from './mstl.ts';
import { chooseOrigins, pathsFrom } from './origins.ts';
import { prepareSeries } from './series.ts';
import { measureVolatility, type Volatility } from './volatility.ts';

export const MODELS: readonly Model[] = [lastPrice, drift, autoEtsModel, mstl];

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
  const now = knownAt(logs, season, horizon);
  const origins = chooseOrigins(logs.length, horizon);
  const then = origins.map((origin) => knownAt(logs.subarray(0, origin + 1), season, horizon));

  const rows = models.map((model) => {
    const path = model.path(logs, season, horizon);
    if (isRefusal(path)) return { model: model.name, outcome: path, losses: origins.map(() => null) };
    const paths = pathsFrom(model, logs, season, horizon, origins);
    const quantiles = (known: Known, from: Float64Array, count: number): number[][] => {
      const tried = { origins: origins.slice(0, count), paths: paths.slice(0, count) };
      const ratios = errorRatios({ ...known, horizon, ...tried });
      const at = known.logs.length - 1;
      const [last, scales] = [known.logs[at] ?? 0, known.volatility.scalesAt(at, horizon)];
      return quantilesAround({ path: from, last, scales, ratios, shape: known.shape, levels });
    };
    const losses = then.map((known, k) => {
      const from = paths[k];
      const outcome = logs.subarray(known.logs.length, known.logs.length + horizon);
      return from ? pinballLoss(quantiles(known, from, k), levels, outcome) : null;
    });
    const prices = quantiles(now, path, origins.length).map((row) => row.map((log) => Math.exp(log)));
    return { model: model.name, outcome: prices, losses };
  });

  return { shown: choose(rows), models: rows.map(({ model, outcome }) => ({ model, outcome })) };
}

function knownAt(logs: Float64Array, season: readonly number[], horizon: number): Known {
  const volatility = measureVolatility(logs, season);
  return { logs, volatility, shape: learnShape(logs, volatility, horizon) };
}

function choose(rows: { model: string; outcome: Quantiles | Refusal; losses: (number | null)[] }[]): string {
  const able: ModelLosses[] = rows
    .filter(({ outcome }) => !isRefusal(outcome))
    .map(({ model, losses }) => ({ name: model, losses }));
  const reference = able.find(({ name }) => name === lastPrice.name) ?? able[0];
  if (reference === undefined) return lastPrice.name;
  return chooseShown(
    reference,
    able.filter((model) => model !== reference),
  );
}
