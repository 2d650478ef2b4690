/** When an instrument trades: its exchange's calendar, the vendor's hours where there is none. */
import { closingAt, type ExchangeCalendar, type TradingHours } from './exchange.ts';
import { goodFriday } from './holidays.ts';
import { venueOf } from './venues.ts';
import {
  DAY,
  dateOf,
  fromLocal,
  isWeekend,
  midnightOf,
  toLocal,
  weekdayOf,
  yearOf,
  zoneOffset,
  type ZoneOffset,
} from './zoned-time.ts';

export type { TradingHours } from './exchange.ts';

/** Closing prices are stamped up to this long after the close (auctions, late reports). */
export const LATE_CLOSE_SECONDS = 30 * 60;

export interface Session {
  offset: ZoneOffset;
  /** Usual hours of today's rule, in local seconds since midnight; null around the clock. */
  hours: { open: number; close: number } | null;
  /** How long after a close its prices may still come. */
  lateSeconds: number;
  /** Hours of a local date, as they would be if it were a trading day. */
  hoursOn(date: number): TradingHours;
  /** Whether anything trades on a local date. */
  tradesOn(date: number): boolean;
  /** The date whose 1d bar holds what trades on a local date: a currency's Sunday evening is part of Monday. */
  dayOf(date: number): number;
}

/** What is known of an instrument, as the table of tickers has it. */
export interface SessionFacts {
  /** The vendor's code. */
  exchange: string | null;
  /** IANA name. */
  timezone: string;
  /** Local minutes since midnight, as the vendor told them last; null around the clock, or where it told none. */
  sessionOpen: number | null;
  sessionClose: number | null;
}

const ALL_DAY: TradingHours = { open: 0, close: DAY, pause: null };
const same = (date: number) => date;

/** @throws {RangeError} when the timezone is unknown */
export function sessionOf(facts: SessionFacts): Session {
  const offset = zoneOffset(facts.timezone);
  const venue = venueOf(facts.exchange);
  const told = toldHours(facts);
  switch (venue?.kind) {
    case 'exchange':
      return exchangeSession(offset, venue.calendar, told, venue.hours);
    case 'currencies':
    case 'futures':
      return weekSession(offset, venue.kind);
    case 'always':
      return told === null ? unbroken(offset) : weekdaySession(offset, told, () => true);
    case 'weekdays':
      return weekdaySession(offset, longer(told, venue.hours));
    case undefined:
      return told === null ? { ...unbroken(offset), tradesOn: isWeekday } : weekdaySession(offset, told);
  }
}

const isWeekday = (date: number) => !isWeekend(date);

function toldHours({ sessionOpen, sessionClose }: SessionFacts): TradingHours | null {
  if (sessionOpen === null || sessionClose === null || sessionClose <= sessionOpen) return null;
  return { open: sessionOpen * 60, close: sessionClose * 60, pause: null };
}

/** Hours within those that are known are today's exception: a half day, a late opening. Others are the instrument's own. */
function longer(told: TradingHours | null, known: TradingHours): TradingHours {
  return told === null || (told.open >= known.open && told.close <= known.close) ? known : told;
}

function exchangeSession(
  offset: ZoneOffset,
  calendar: ExchangeCalendar,
  told: TradingHours | null,
  own?: TradingHours,
): Session {
  const usual = longer(told, own ?? calendar.usual);
  const hoursOn = (date: number): TradingHours => {
    if (usual === calendar.usual) return calendar.hoursOn(date);
    const early = calendar.earlyCloseOn(date);
    return early === null ? usual : closingAt(usual, early);
  };
  return {
    offset,
    hours: { open: usual.open, close: usual.close },
    lateSeconds: LATE_CLOSE_SECONDS,
    hoursOn,
    tradesOn: calendar.tradesOn,
    dayOf: same,
  };
}

function weekdaySession(offset: ZoneOffset, hours: TradingHours, tradesOn = isWeekday): Session {
  const { open, close } = hours;
  return {
    offset,
    hours: { open, close },
    lateSeconds: LATE_CLOSE_SECONDS,
    hoursOn: () => hours,
    tradesOn,
    dayOf: same,
  };
}

function unbroken(offset: ZoneOffset): Session {
  return { offset, hours: null, lateSeconds: 0, hoursOn: () => ALL_DAY, tradesOn: () => true, dayOf: same };
}

const EVENING = { currencies: 17 * 3_600, futures: 18 * 3_600 };
const NEW_YORK = zoneOffset('America/New_York');
const [SUNDAY, FRIDAY, SATURDAY] = [0, 5, 6];

/** From Sunday evening to Friday 17:00, both in New York; futures pause each day for the hour in between. */
function weekSession(offset: ZoneOffset, kind: 'currencies' | 'futures'): Session {
  /** The moment at which New York's clock shows a time, on the clock of this session. */
  const here = (date: number, time: number) => toLocal(fromLocal(date + time, NEW_YORK), offset) - date;
  const hoursOn = (date: number): TradingHours => {
    const weekday = weekdayOf(date);
    const end = here(date, EVENING.currencies);
    const begin = here(date, EVENING[kind]);
    // Where the zone is so far from New York's that its evening is another date, the whole day is taken.
    if (begin < 0 || begin >= DAY) return ALL_DAY;
    if (weekday === SUNDAY) return { open: begin, close: DAY, pause: null };
    if (weekday === FRIDAY) return { open: 0, close: end, pause: null };
    return { open: 0, close: DAY, pause: kind === 'futures' ? { from: end, to: begin } : null };
  };
  return {
    offset,
    hours: null,
    lateSeconds: 0,
    hoursOn,
    tradesOn: (date) => weekdayOf(date) !== SATURDAY && !(kind === 'futures' && isFuturesHoliday(date)),
    dayOf: (date) => (weekdayOf(date) === SUNDAY ? date + DAY : date),
  };
}

/** Days on which futures do not trade at all; on others' holidays they end early. Source: cmegroup.com/trading-hours */
function isFuturesHoliday(date: number): boolean {
  const year = yearOf(date);
  return [dateOf(year, 1, 1), goodFriday(year), dateOf(year, 12, 25)].includes(date);
}

/** Whether the session runs at a Unix time. */
export function isOpenAt(session: Session, time: number): boolean {
  const local = toLocal(time, session.offset);
  const date = midnightOf(local);
  if (!session.tradesOn(date)) return false;
  const { open, close, pause } = session.hoursOn(date);
  const ofDay = local - date;
  return ofDay >= open && ofDay < close && (pause === null || ofDay < pause.from || ofDay >= pause.to);
}

/** The last moment at or before `time` at which the session ran. */
export function lastSessionMoment(session: Session, time: number): number {
  const local = toLocal(time, session.offset);
  let date = midnightOf(local);
  if (session.tradesOn(date)) {
    const { open, close, pause } = session.hoursOn(date);
    const ofDay = local - date;
    if (pause !== null && ofDay >= pause.from && ofDay < pause.to)
      return fromLocal(date + pause.from - 1, session.offset);
    if (ofDay >= open) return ofDay < close ? time : fromLocal(date + close - 1, session.offset);
  }
  do date -= DAY;
  while (!session.tradesOn(date));
  return fromLocal(date + session.hoursOn(date).close - 1, session.offset);
}

/** Longer than any market has been shut. */
const SEARCH_DAYS = 60;

/** When the session begins next, after `time`; null where it never stops. */
export function nextOpen(session: Session, time: number): number | null {
  const today = midnightOf(toLocal(time, session.offset));
  for (let date = today; date < today + SEARCH_DAYS * DAY; date += DAY) {
    if (!session.tradesOn(date)) continue;
    const { open } = session.hoursOn(date);
    // What goes on from the day before does not open.
    if (open === 0 && session.tradesOn(date - DAY) && session.hoursOn(date - DAY).close === DAY) continue;
    const opensAt = fromLocal(date + open, session.offset);
    if (opensAt > time) return opensAt;
  }
  return null;
}
