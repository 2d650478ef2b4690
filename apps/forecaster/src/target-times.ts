/** The keys of the bars to come: the pattern of those that there were, without holidays and what a half day cuts off. */
import { sessionOf } from '@tapecast/calendar/sessions';
import { DAY, fromLocal, isWeekend, midnightOf, toLocal, weekdayOf } from '@tapecast/calendar/zoned-time';
import { RESOLUTION_SECONDS, type ForecastResolution } from '@tapecast/contracts/resolution';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { type BarPattern } from './bar-pattern.ts';
import { type Exchange } from './closed-bar.ts';

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
  const session = sessionOf(exchange);
  const { offset, hours } = session;
  const daily = resolution === '1d';
  const times: UnixSeconds[] = [];
  let newest: number = last;
  for (let day = midnightOf(daily ? last : toLocal(last, offset)); times.length < horizon; day += DAY) {
    // A series that has bars at weekends is believed: an exchange's calendar only takes weekdays away.
    if (!isWeekend(day) && !session.tradesOn(day)) continue;
    const { close } = session.hoursOn(day);
    const endsEarly = hours !== null && close < hours.close;
    for (const slot of pattern.slots[weekdayOf(day)] ?? []) {
      const key = daily ? day : fromLocal(day + slot, offset);
      if (!daily && endsEarly && slot >= close) continue;
      if (key <= newest || times.length === horizon) continue;
      times.push(unixSeconds(key));
      newest = key;
    }
  }
  return times;
}
