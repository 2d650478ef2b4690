/** What is told of an exchange: hours of the years, holidays by rule, and what no rule foresaw. */
import { isWeekend, yearOf } from './zoned-time.ts';

/** One day's trading, in local seconds since midnight. */
export interface TradingHours {
  open: number;
  close: number;
  /** No trading in between: a lunch break. */
  pause: { from: number; to: number } | null;
}

export interface ExchangeRules {
  name: string;
  /** Newest last; `from` is the first local date of these hours (−∞ for the first). */
  hours: readonly { from: number; hours: TradingHours }[];
  /** Holidays of a year; those on a weekend may be among them. */
  holidays(year: number): readonly number[];
  /** Days on which the market was shut, or will be, by no rule; told from 2005 on. */
  closures: readonly number[];
  /** Days that end early: the local seconds since midnight of their close. */
  earlyCloses(year: number): readonly EarlyClose[];
}

export type EarlyClose = readonly [date: number, close: number];

/** An exchange's calendar: a date in, what happens on it out. */
export interface ExchangeCalendar {
  name: string;
  /** Today's hours. */
  usual: TradingHours;
  /** The hours of that time, early close included, even where the date itself is a holiday. */
  hoursOn(date: number): TradingHours;
  /** Local seconds since midnight; null where the day is as long as usual. */
  earlyCloseOn(date: number): number | null;
  tradesOn(date: number): boolean;
}

/** `09:30` as seconds since midnight. */
export function clockTime(text: string): number {
  const [hours = 0, minutes = 0] = text.split(':').map(Number);
  return hours * 3_600 + minutes * 60;
}

/** `09:30-16:00` or, with a lunch break, `09:30-12:00 13:00-16:00`. */
export function tradingHours(text: string): TradingHours {
  const spans = text.split(' ').map((span) => span.split('-').map(clockTime));
  const [first, second] = spans;
  const pause = second === undefined ? null : { from: first?.[1] ?? 0, to: second[0] ?? 0 };
  return { open: first?.[0] ?? 0, close: spans.at(-1)?.[1] ?? 0, pause };
}

export function hoursSince(date: string, text: string): ExchangeRules['hours'][number] {
  return { from: Date.parse(`${date}T00:00:00Z`) / 1_000, hours: tradingHours(text) };
}

export function hoursAlways(text: string): ExchangeRules['hours'] {
  return [{ from: Number.NEGATIVE_INFINITY, hours: tradingHours(text) }];
}

export function exchangeCalendar(rules: ExchangeRules): ExchangeCalendar {
  const usual = rules.hours.at(-1)?.hours;
  if (usual === undefined) throw new RangeError(`${rules.name} has no hours`);
  const years = new Map<number, { shut: Set<number>; early: Map<number, number> }>();
  const closures = new Set(rules.closures);
  const yearWith = (date: number) => {
    const year = yearOf(date);
    let known = years.get(year);
    if (known === undefined) {
      known = { shut: new Set(rules.holidays(year)), early: new Map(rules.earlyCloses(year)) };
      years.set(year, known);
    }
    return known;
  };
  return {
    name: rules.name,
    usual,
    earlyCloseOn: (date) => yearWith(date).early.get(date) ?? null,
    hoursOn: (date) => {
      const hours = (rules.hours.findLast(({ from }) => from <= date) ?? rules.hours[0])?.hours ?? usual;
      const early = yearWith(date).early.get(date);
      return early === undefined ? hours : closingAt(hours, early);
    },
    tradesOn: (date) => !isWeekend(date) && !closures.has(date) && !yearWith(date).shut.has(date),
  };
}

/** The same day, cut short. */
export function closingAt({ open, close, pause }: TradingHours, early: number): TradingHours {
  return { open, close: Math.min(close, early), pause: pause !== null && pause.from < early ? pause : null };
}
