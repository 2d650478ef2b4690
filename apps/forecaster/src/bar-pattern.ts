/**
 * When a series has bars, learnt from the bars that it had lately: weekdays and, within them, the exchange-local times at which hours begin.
 * So half hours and lunch breaks come out right as the vendor has them; the exchange's calendar knows the holidays to come.
 */
import { DAY, midnightOf, toLocal, weekdayOf, zoneOffset } from '@tapecast/calendar/zoned-time';
import { type ForecastResolution } from '@tapecast/contracts/resolution';
import { type Exchange } from './closed-bar.ts';

export interface BarPattern {
  /** For each weekday (0 is Sunday) the local seconds since midnight at which bars begin, rising; [0] for daily bars. */
  slots: number[][];
  /** Bars follow each other without any pause, by the clock rather than by the calendar. */
  aroundTheClock: boolean;
}

const WEEK = 7 * DAY;
/** Long enough for holidays to be outvoted, short enough to follow a change of trading hours. */
const WINDOW: Record<ForecastResolution, number> = { '1h': 4 * WEEK, '1d': 12 * WEEK };
/** A slot that was used on so many of its days is a rule; less is an exception (half days, single trades). */
const USUAL = 0.5;
const WEEKDAYS = [0, 1, 2, 3, 4, 5, 6];

/** @param keys keys of the series' bars, rising */
export function learnPattern(exchange: Exchange, resolution: ForecastResolution, keys: readonly number[]): BarPattern {
  const offset = zoneOffset(exchange.timezone);
  // Daily keys are local dates already.
  const all = resolution === '1d' ? keys : keys.map((key) => toLocal(key, offset));
  const newest = all.at(-1) ?? 0;
  const recent = all.filter((local) => local > newest - WINDOW[resolution]);
  const span = midnightOf(newest) - midnightOf(recent[0] ?? newest) + DAY;
  const trades = WEEKDAYS.map((weekday) => recent.some((local) => weekdayOf(local) === weekday));
  const wholeWeekSeen = span >= WEEK;
  const atWeekends = wholeWeekSeen ? trades[0] === true && trades[6] === true : exchange.sessionOpen === null;

  if (exchange.sessionOpen === null && atWeekends) {
    return { slots: WEEKDAYS.map(() => (resolution === '1d' ? [0] : hoursOfDay())), aroundTheClock: true };
  }
  const perWeekday = WEEKDAYS.map((weekday) =>
    usualSlots(recent, span / WEEK, (local) => weekdayOf(local) === weekday),
  );
  const anyDay = usualSlots(recent, 0, () => true);
  const slots = perWeekday.map((own, weekday) => {
    if (own.length > 0) return own;
    const isWeekend = weekday === 0 || weekday === 6;
    // A weekday that the series is too young to have seen is taken to be like the others.
    return wholeWeekSeen || isWeekend ? [] : anyDay;
  });
  return { slots: slots.some((day) => day.length > 0) ? slots : anyWorkday(anyDay), aroundTheClock: false };
}

/**
 * Seasonal periods in bars: the day (of hourly bars) and the week.
 * A period of one bar is none, and neither is one that says the same as the one before.
 */
export function seasonOf(pattern: BarPattern): number[] {
  const counts = pattern.slots.map((slots) => slots.length).filter((count) => count > 0);
  const perDay = counts.toSorted((a, b) => a - b)[counts.length >> 1] ?? 0;
  const perWeek = counts.reduce((sum, count) => sum + count, 0);
  return [...new Set([perDay, perWeek])].filter((bars) => bars >= 2).sort((a, b) => a - b);
}

/** @param fewestDays so many days are counted even where fewer had bars: a single odd Saturday makes no Saturdays */
function usualSlots(locals: readonly number[], fewestDays: number, isOfDay: (local: number) => boolean): number[] {
  const days = new Set<number>();
  const counts = new Map<number, number>();
  for (const local of locals.filter(isOfDay)) {
    const midnight = midnightOf(local);
    days.add(midnight);
    counts.set(local - midnight, (counts.get(local - midnight) ?? 0) + 1);
  }
  return [...counts]
    .filter(([, count]) => count >= USUAL * Math.max(days.size, Math.floor(fewestDays)))
    .map(([slot]) => slot)
    .sort((a, b) => a - b);
}

function hoursOfDay(): number[] {
  return Array.from({ length: 24 }, (_, hour) => hour * 3_600);
}

/** Nothing was usual: every workday, so that there always is a next bar. */
function anyWorkday(slots: number[]): number[][] {
  const day = slots.length > 0 ? slots : [0];
  return WEEKDAYS.map((weekday) => (weekday === 0 || weekday === 6 ? [] : day));
}
