/** The keys of the bars to come. */
import { RESOLUTION_SECONDS, type ForecastResolution } from '@tapecast/contracts/resolution';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { type BarPattern } from './bar-pattern.ts';
import { type Exchange } from './closed-bar.ts';
import { DAY, exchangeClock, midnightOf, weekdayOf } from './exchange-time.ts';

/** @returns `horizon` keys after `last`, rising */
export function targetTimes(options: {
  exchange: Exchange;
  resolution: ForecastResolution;
  pattern: BarPattern;
  /** Key of the last closed bar. */
  last: UnixSeconds;
  horizon: number;
}): UnixSeconds[] {
  const { exchange, resolution, pattern, last, horizon } = options;
  const step = RESOLUTION_SECONDS[resolution];
  if (pattern.aroundTheClock || pattern.slots.every((slots) => slots.length === 0)) {
    return Array.from({ length: horizon }, (_, h) => unixSeconds(last + (h + 1) * step));
  }
  const clock = exchangeClock(exchange.timezone);
  const daily = resolution === '1d';
  const times: UnixSeconds[] = [];
  let newest: number = last;
  for (let day = midnightOf(daily ? last : clock.toLocal(last)); times.length < horizon; day += DAY) {
    for (const slot of pattern.slots[weekdayOf(day)] ?? []) {
      const key = daily ? day : clock.toUnix(day + slot);
      if (key <= newest || times.length === horizon) continue;
      times.push(unixSeconds(key));
      newest = key;
    }
  }
  return times;
}
