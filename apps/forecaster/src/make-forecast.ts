/** One job: read a series as it was known at a moment, ask every model, save what they say. */
import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { type ForecastJob } from '@tapecast/contracts/jobs';
import { FORECAST_HORIZONS } from '@tapecast/contracts/resolution';
import { isWithdrawn } from '@tapecast/contracts/bar';
import { type ScoreKind } from '@tapecast/contracts/scores';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { readSeries, readSource } from '@tapecast/db/bars';
import { type Database } from '@tapecast/db/database';
import { readForecast, saveBacktest, saveForecasts } from '@tapecast/db/forecasts';
import { listTickers } from '@tapecast/db/tickers';
import { z } from 'zod';
import { learnPattern, seasonOf } from './bar-pattern.ts';
import { newestKeyAt } from './closed-bar.ts';
import { forecastAll } from './models/forecast.ts';
import { isRefusal, type Quantiles } from './models/model.ts';
import { targetTimes } from './target-times.ts';

/** Crosses from the worker thread to the service. */
export const ForecastResult = z.object({
  /** `known`: this moment was forecast before. `refused`: no model can say anything of this series. */
  outcome: z.enum(['saved', 'known', 'refused']),
  /** Name of the shown model. */
  shown: z.string().nullable(),
  /** Who refused, and why. */
  refusals: z.array(z.object({ model: z.string(), reason: z.string(), message: z.string() })),
});
export type ForecastResult = z.infer<typeof ForecastResult>;

/** About four years of days, or half a year of a stock's hours: what is older says little of the next weeks. */
const BARS_READ = 1_000;

export interface MakeOptions {
  /** `backtest`: the moment is past, and the forecast is kept apart from those that were made then. */
  kind?: ScoreKind;
  /** Told what is being done, for the queue. */
  progress?(step: { step: 'forecasting' | 'saving'; bars: number }): Promise<void>;
}

/**
 * Safe to run twice and at the same time as itself: what is saved for a moment first stands.
 * @throws {DatabaseUnavailableError} when the job should be tried again
 */
export async function makeForecast(
  db: Database,
  { ticker, resolution, madeAt }: ForecastJob,
  { kind = 'live', progress }: MakeOptions = {},
): Promise<ForecastResult> {
  const known = await readForecast(db, { ticker, resolution, asOf: madeAt, kind });
  if (known?.madeAt === madeAt) return { outcome: 'known', shown: known.model, refusals: [] };
  const exchange = (await listTickers(db)).find((row) => row.ticker === ticker);
  const source = await readSource(db, { ticker, resolution });
  if (exchange === undefined || source === null) return refused('no-bars', `${ticker} has no bars`);

  const until = newestKeyAt(exchange, resolution, madeAt);
  const page = await readSeries(db, { ticker, resolution, to: until, limit: BARS_READ });
  const bars = (page?.bars ?? []).filter((bar) => !isWithdrawn(bar));
  const last = bars.at(-1)?.[0];
  if (last === undefined) return refused('no-bars', `${ticker} has no ${resolution} bars before ${madeAt}`);

  const keys = bars.map(([time]) => time);
  const pattern = learnPattern(exchange, resolution, keys);
  const horizon = FORECAST_HORIZONS[resolution];
  await progress?.({ step: 'forecasting', bars: bars.length });
  const forecasts = forecastAll({
    closes: bars.map(([, , , , close]) => close),
    highs: bars.map(([, , high]) => high),
    lows: bars.map(([, , , low]) => low),
    volumes: bars.map(([, , , , , volume]) => volume ?? Number.NaN),
    season: seasonOf(pattern),
    horizon,
    levels: QUANTILE_LEVELS,
  });
  if (isRefusal(forecasts)) return refused(forecasts.refused, forecasts.message);

  const targets = targetTimes({ exchange, resolution, pattern, last, horizon });
  const refusals: ForecastResult['refusals'] = [];
  const models: { model: string; shown: boolean; points: { targetTime: UnixSeconds; values: number[] }[] }[] = [];
  for (const { model, outcome } of forecasts.models) {
    if (isRefusal(outcome)) refusals.push({ model, reason: outcome.refused, message: outcome.message });
    else models.push({ model, shown: model === forecasts.shown, points: pointsOf(outcome, targets) });
  }
  await progress?.({ step: 'saving', bars: bars.length });
  const save = kind === 'live' ? saveForecasts : saveBacktest;
  const { inserted } = await save(db, {
    ticker,
    resolution,
    madeAt,
    source,
    models,
    levels: QUANTILE_LEVELS.slice(),
  });
  return { outcome: inserted > 0 ? 'saved' : 'known', shown: forecasts.shown, refusals };
}

function pointsOf(quantiles: Quantiles, targets: UnixSeconds[]): { targetTime: UnixSeconds; values: number[] }[] {
  return targets.map((targetTime, step) => ({ targetTime, values: quantiles[step] ?? [] }));
}

function refused(reason: string, message: string): ForecastResult {
  return { outcome: 'refused', shown: null, refusals: [{ model: 'all', reason, message }] };
}
