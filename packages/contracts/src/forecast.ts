/** A quantile forecast of a series' close, as it was known at `madeAt`. */
import { z } from 'zod';
import { ForecastResolution } from './resolution.ts';
import { Ticker } from './ticker.ts';
import { UnixSeconds } from './units.ts';

/** Levels that every model gives, rising. */
export const QUANTILE_LEVELS = [0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975] as const;

export const Forecast = z.object({
  ticker: Ticker,
  resolution: ForecastResolution,
  /** The model that is shown; others can be asked for by name. */
  model: z.string(),
  /** Close time of the last bar that the model saw. */
  madeAt: UnixSeconds,
  /** Where the prices came from: `yahoo`, `simulated`, … */
  source: z.string(),
  /** Levels in (0, 1), rising; each point has one value per level. */
  quantiles: z.array(z.number().gt(0).lt(1)),
  /** `[targetTime, …values]`: targetTime is the key (start) of the bar whose close is forecast. */
  points: z.array(z.tuple([UnixSeconds]).rest(z.number())),
});
export type Forecast = z.infer<typeof Forecast>;
