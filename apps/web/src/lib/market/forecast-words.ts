/** A forecast in plain words. It says what the bands mean and nothing about past performance: there are no scores yet. */
import type { Forecast } from '@tapecast/contracts/forecast';
import { fanOf, type FanPoint } from './fan.ts';
import { formatPrice } from './numbers.ts';
import { DAY, HOUR } from './resolutions.ts';
import { dateKey, dayMonth, hourMinute, weekday } from './times.ts';

/** What the words depend on besides the forecast. */
export interface Situation {
  now: number;
  /** IANA zone of the exchange: its date decides what "today" is. */
  exchange: string;
  /** Zone of the viewer, undefined: as the browser says. */
  viewer?: string | undefined;
  /** While the market is closed, the time of its last price: that day's close is past. */
  closedSince?: number | null | undefined;
}

/** Targets that have not closed yet, in order. */
export function openTargets(forecast: Forecast, { now, exchange, closedSince }: Situation): FanPoint[] {
  const points = fanOf(forecast);
  if (forecast.resolution === '1h') return points.filter((point) => point.time + HOUR > now);
  const today = dateKey(now, exchange);
  const closed = closedSince == null ? Number.NEGATIVE_INFINITY : dateKey(closedSince, exchange);
  return points.filter((point) => point.time >= today && point.time > closed);
}

/** `Friday’s close`, `the close of Fri 18 Dec`, `16:30`, `Mon 16:30`: when the target's bar closes. */
export function targetWords(
  time: number,
  resolution: Forecast['resolution'],
  { now, exchange, viewer }: Situation,
): string {
  if (resolution === '1d') {
    const ahead = (time - dateKey(now, exchange)) / DAY;
    if (ahead === 0) return 'today’s close';
    if (ahead === 1) return 'tomorrow’s close';
    return ahead < 7 ? `${weekday(time, 'UTC', 'long')}’s close` : `the close of ${dayMonth(time, 'UTC')}`;
  }
  const end = time + HOUR;
  const ahead = (dateKey(end, viewer) - dateKey(now, viewer)) / DAY;
  if (ahead === 0) return hourMinute(end, viewer);
  return `${ahead < 7 ? weekday(end, viewer) : dayMonth(end, viewer)} ${hourMinute(end, viewer)}`;
}

/** Short name of a target for a table row. */
export function targetLabel(time: number, resolution: Forecast['resolution'], situation: Situation): string {
  return resolution === '1d' ? dayMonth(time, 'UTC') : targetWords(time, resolution, situation);
}

export function rangeSentence(forecast: Forecast, point: FanPoint, decimals: number, situation: Situation): string {
  const [low, high] = [formatPrice(point.low90, decimals), formatPrice(point.high90, decimals)];
  const when = targetWords(point.time, forecast.resolution, situation);
  return `${forecast.ticker} will likely (9 in 10) be between ${low} and ${high} at ${when}.`;
}

/** What the forecast knew: `prices up to 09:00`, `prices up to the close of Fri 20 Nov`. */
export function knowledgeWords({ resolution, madeAt }: Forecast, { now, exchange, viewer }: Situation): string {
  // A day around the clock ends at the midnight that begins the next one.
  if (resolution === '1d') return `prices up to the close of ${dayMonth(dateKey(madeAt - 1, exchange), 'UTC')}`;
  const today = dateKey(madeAt, viewer) === dateKey(now, viewer);
  return `prices up to ${today ? '' : `${dayMonth(madeAt, viewer)} `}${hourMinute(madeAt, viewer)}`;
}

/** The next target, the last one, and two between them. */
export function milestones(points: readonly FanPoint[]): FanPoint[] {
  if (points.length <= 4) return [...points];
  const steps = [0, 1 / 4, 1 / 2, 1].map((share) => Math.round(share * (points.length - 1)));
  return steps.flatMap((index) => points[index] ?? []);
}
