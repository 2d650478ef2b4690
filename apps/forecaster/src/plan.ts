/** Whether a series is due for a forecast: compares its last closed bar with its newest forecast. */
import { DAY } from '@tapecast/calendar/zoned-time';
import { type ForecastJob } from '@tapecast/contracts/jobs';
import { type ForecastResolution } from '@tapecast/contracts/resolution';
import { Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { newestClose, type Exchange } from './closed-bar.ts';
import { FEWEST_BARS } from './models/series.ts';

export interface DueSeries {
  ticker: string;
  resolution: ForecastResolution;
  exchange: Exchange;
  /** Somebody has it on the screen. */
  watched: boolean;
  /** `madeAt` of the newest forecast. */
  forecastAt: UnixSeconds | undefined;
}

/** East of Greenwich a day's key may lie this far ahead of the moment at which its first bar arrives. */
const KEY_AHEAD = DAY;
/** One more than a forecast needs: the newest may be open. */
export const BARS_TO_SEE = FEWEST_BARS + 1;

/** Until which key bars are to be read, to see the newest one. */
export function newestKeyPossible(now: number): UnixSeconds {
  return unixSeconds(now + KEY_AHEAD);
}

/** A series whose newest bar is older than this is either no longer fed, or its history is just arriving. */
const STALE_SECONDS = 10 * DAY;

export type Plan = ForecastJob | 'up to date' | 'too short' | 'still arriving';

/**
 * @param keys the series' newest `BARS_TO_SEE` keys, rising
 * @param seen the newest key at the look before this one
 * @returns the job, or why there is none
 */
export function planSeries(series: DueSeries, keys: readonly number[], seen: number | undefined, now: number): Plan {
  const { exchange, resolution, forecastAt } = series;
  if (keys.length < FEWEST_BARS) return 'too short';
  const madeAt = newestClose(exchange, resolution, keys, now);
  if (madeAt === null) return 'too short';
  if (forecastAt !== undefined && forecastAt >= madeAt) return 'up to date';
  // A backfill brings the oldest bars first: forecasts from the middle of it would be of use to nobody.
  if (madeAt < now - STALE_SECONDS && keys.at(-1) !== seen) return 'still arriving';
  return { ticker: Ticker.parse(series.ticker), resolution, madeAt };
}
