/** Jobs that cross the queue. Every job is idempotent: a queue may run it twice. */
import { z } from 'zod';
import { ForecastResolution } from './resolution.ts';
import { Ticker } from './ticker.ts';
import { UnixSeconds } from './units.ts';

export const FORECAST_QUEUE = 'forecast';
/** Forecasts of the past for the scorecard of a fresh start; served by one thread, beside those that are due. */
export const BACKTEST_QUEUE = 'backtest';
export const POLL_QUEUE = 'poll';
export const LAB_QUEUE = 'lab';
/** For those who look after all of them: the command line and the board. */
export const ALL_QUEUES = [FORECAST_QUEUE, BACKTEST_QUEUE, POLL_QUEUE, LAB_QUEUE] as const;

/** Forecast one series from the bars that had closed by `madeAt`. */
export const ForecastJob = z.object({
  ticker: Ticker,
  resolution: ForecastResolution,
  /** Close time of the last closed bar: names the job, so that planning twice adds nothing. */
  madeAt: UnixSeconds,
});
export type ForecastJob = z.infer<typeof ForecastJob>;

/** Poll one share of the tickers once. `dueAt` is the cycle: a poll older than its cycle does nothing. */
export const PollJob = z.object({ tickers: z.array(Ticker).min(1), dueAt: UnixSeconds });
export type PollJob = z.infer<typeof PollJob>;

/** Work on one row of lab_runs. The row says what to do and whether it is still wanted. */
export const LabJob = z.object({ run: z.int().positive() });
export type LabJob = z.infer<typeof LabJob>;
