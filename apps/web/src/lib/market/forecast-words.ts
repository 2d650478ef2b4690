/** A forecast in plain words. It says what the bands mean and nothing about past performance: there are no scores yet. */
import { type Forecast } from '@tapecast/contracts/forecast';
import { RESOLUTION_SECONDS } from '@tapecast/contracts/resolution';
import { fanOf, type FanPoint } from './fan.ts';
import { formatPrice } from './numbers.ts';
import { dateKey, dayMonth, hourMinute, weekday } from './times.ts';

const DAY = 86_400;

/** Where the exchange is (its date decides what "today" is), and where the viewer is (undefined: as the browser says). */
export interface Zones {
  exchange: string;
  viewer?: string | undefined;
}

/** Targets that have not closed yet, in order. */
export function openTargets(forecast: Forecast, now: number, zones: Zones): FanPoint[] {
  const points = fanOf(forecast);
  if (forecast.resolution === '1d') {
    const today = dateKey(now, zones.exchange);
    return points.filter((point) => point.time >= today);
  }
  return points.filter((point) => point.time + RESOLUTION_SECONDS[forecast.resolution] > now);
}

/** `Friday’s close`, `the close of Fri 18 Dec`, `16:30`, `Mon 16:30`: when the target's bar closes. */
export function targetWords(time: number, resolution: Forecast['resolution'], now: number, zones: Zones): string {
  if (resolution === '1d') {
    const ahead = (time - dateKey(now, zones.exchange)) / DAY;
    if (ahead === 0) return 'today’s close';
    if (ahead === 1) return 'tomorrow’s close';
    return ahead < 7 ? `${weekday(time, 'UTC', 'long')}’s close` : `the close of ${dayMonth(time, 'UTC')}`;
  }
  const end = time + RESOLUTION_SECONDS[resolution];
  const ahead = (dateKey(end, zones.viewer) - dateKey(now, zones.viewer)) / DAY;
  if (ahead === 0) return hourMinute(end, zones.viewer);
  const day = ahead < 7 ? weekday(end, zones.viewer) : dayMonth(end, zones.viewer);
  return `${day} ${hourMinute(end, zones.viewer)}`;
}

/** Short name of a target for a table row. */
export function targetLabel(time: number, resolution: Forecast['resolution'], now: number, zones: Zones): string {
  return resolution === '1d' ? dayMonth(time, 'UTC') : targetWords(time, resolution, now, zones);
}

export function rangeSentence(
  forecast: Forecast,
  point: FanPoint,
  decimals: number,
  now: number,
  zones: Zones,
): string {
  const [low, high] = [formatPrice(point.low90, decimals), formatPrice(point.high90, decimals)];
  const when = targetWords(point.time, forecast.resolution, now, zones);
  return `${forecast.ticker} will likely (9 in 10) be between ${low} and ${high} at ${when}.`;
}

/** The next target, the last one, and two between them. */
export function milestones(points: readonly FanPoint[]): FanPoint[] {
  if (points.length <= 4) return [...points];
  const steps = [0, 1 / 4, 1 / 2, 1].map((share) => Math.round(share * (points.length - 1)));
  return steps.flatMap((index) => points[index] ?? []);
}
