/** What Postgres NOTIFY carries. A hint only: whoever misses one finds the same in the rows. */
import { z } from 'zod';
import { Bar } from './bar.ts';
import { LabProgress } from './lab.ts';
import { ForecastResolution, NativeResolution } from './resolution.ts';
import { Ticker } from './ticker.ts';
import { Epoch, Revision, UnixSeconds } from './units.ts';

export const BARS_CHANNEL = 'tapecast_bars';
export const FORECASTS_CHANNEL = 'tapecast_forecasts';
export const STATUS_CHANNEL = 'tapecast_status';
export const LAB_CHANNEL = 'tapecast_lab';

const ChangeHead = { ticker: Ticker, resolution: NativeResolution, prev: Revision, revision: Revision };

/** Either the changed bars themselves, or, when they would not fit, the range of times in which they lie. */
export const SeriesHint = z.union([
  z.object({ ...ChangeHead, bars: z.array(Bar) }),
  z.object({ ...ChangeHead, from: UnixSeconds, to: UnixSeconds }),
]);
export type SeriesHint = z.infer<typeof SeriesHint>;

/** `series` is empty when only the epoch changed. `committedAt`: when the change was made, Unix milliseconds of the database's clock. */
export const BarsHint = z.object({ epoch: Epoch, committedAt: z.number().optional(), series: z.array(SeriesHint) });
export type BarsHint = z.infer<typeof BarsHint>;

export const ForecastsHint = z.object({
  forecasts: z.array(z.object({ ticker: Ticker, resolution: ForecastResolution, madeAt: UnixSeconds })),
});
export type ForecastsHint = z.infer<typeof ForecastsHint>;

/** Quote or feed state changed; null tickers means all of them. */
export const StatusHint = z.object({ tickers: z.array(Ticker).nullable() });
export type StatusHint = z.infer<typeof StatusHint>;

/** A run of the lab began, moved on or ended. */
export const LabHint = LabProgress;
