/** The scorecard of a series: how its forecasts compare with what happened and with the last-price forecast. */
import { z } from 'zod';
import { ForecastResolution } from './resolution.ts';
import { Ticker } from './ticker.ts';
import { UnixSeconds } from './units.ts';

/** `live`: forecasts that were made at the time. `backtest`: made later from stored history, seen by nobody then. */
export const ScoreKind = z.enum(['live', 'backtest']);
export type ScoreKind = z.infer<typeof ScoreKind>;

/** How a backtest chooses its moments: so many, each so many bars after the one before. */
export const BACKTEST: Record<ForecastResolution, { origins: number; spacing: number }> = {
  '1h': { origins: 60, spacing: 5 },
  '1d': { origins: 60, spacing: 4 },
};

/** No word about skill is said of fewer forecasts, or of a difference that luck explains as often as this. */
export const FEWEST_FORECASTS = 30;
export const SIGNIFICANCE = 0.05;

/**
 * `better`, `worse`: than the last price, surely enough (p < 0.05, at least 30 forecasts). `same`: no difference that
 * could not be luck. `too-few`: nothing can be said yet. `reference`: it is the last-price forecast itself.
 */
export const Verdict = z.enum(['better', 'worse', 'same', 'too-few', 'reference']);
export type Verdict = z.infer<typeof Verdict>;

/** Against the last-price forecast of the same moments. */
export const Comparison = z.object({
  /** 1 − loss / loss of the last-price forecast; above 0 is better. Null where there is nothing to compare with. */
  skill: z.number().nullable(),
  /** Two-sided Diebold–Mariano test that allows for overlapping forecasts; null while they are too few for it. */
  pValue: z.number().nullable(),
  verdict: Verdict,
});
export type Comparison = z.infer<typeof Comparison>;

/** Shares of the closes that lay within each band; null where the forecasts had no such quantiles. */
export const Coverage = z.object({
  '50': z.number().nullable(),
  '80': z.number().nullable(),
  '90': z.number().nullable(),
  '95': z.number().nullable(),
});
export type Coverage = z.infer<typeof Coverage>;

export const ScoreRow = z.object({
  /** Forecasts with at least one closed target in this row. */
  n: z.int(),
  /** Their closed targets. */
  points: z.int(),
  /** Mean absolute error of the median, in the currency. */
  meanAbsoluteError: z.number(),
  /** The same in units of the series' mean change from bar to bar, as it was known at the time. */
  mase: z.number().nullable(),
  /** Mean quantile loss over all levels, in the currency, and that of the last-price forecast. */
  pinballLoss: z.number(),
  naivePinballLoss: z.number().nullable(),
  coverage: Coverage,
  /** Of the whole forecast, by pinball loss. */
  ...Comparison.shape,
  /** Of the median alone, by absolute error. */
  middle: Comparison,
});
export type ScoreRow = z.infer<typeof ScoreRow>;

export const HorizonScore = ScoreRow.extend({
  /** Bars ahead, from 1. Verdicts are corrected for looking at every horizon (Holm). */
  step: z.int().positive(),
});
export type HorizonScore = z.infer<typeof HorizonScore>;

export const ModelScores = z.object({ model: z.string(), overall: ScoreRow, horizons: z.array(HorizonScore) });
export type ModelScores = z.infer<typeof ModelScores>;

export const Scorecard = z.object({
  ticker: Ticker,
  resolution: ForecastResolution,
  kind: ScoreKind,
  /** Any of the forecasts was made of simulated prices. */
  simulated: z.boolean(),
  /** First and newest moment of the forecasts that are counted; null while there are none. */
  from: UnixSeconds.nullable(),
  to: UnixSeconds.nullable(),
  /** What was on the page, whichever model it came from; null while nothing has been scored. */
  shown: ModelScores.nullable(),
  models: z.array(ModelScores),
});
export type Scorecard = z.infer<typeof Scorecard>;

export const ScoresQuery = z.object({
  resolution: ForecastResolution.default('1h'),
  kind: ScoreKind.default('live'),
});
export type ScoresQuery = z.infer<typeof ScoresQuery>;
