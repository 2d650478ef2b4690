/** Times in files, strictly: what could be read in two ways is refused, and so is 31 February. */
import { type ZoneOffset, fromLocal } from '@tapecast/calendar/zoned-time';

export type DateOrder = 'mdy' | 'dmy';

export interface FileTime {
  /** Unix seconds. Of a mere date: its midnight in UTC. */
  time: number;
  /** The date as it is written, at 00:00Z. */
  date: number;
  /** Nothing but a date, or a midnight. */
  isDate: boolean;
}

export interface TimeRules {
  /** For times that name no zone. */
  zone: ZoneOffset;
  order: DateOrder | null;
}

const DAY = 86_400;
const DATE = /^(\d{4})([-/.]?)(\d{2})\2(\d{2})(?:$|[T ])/;
const SLASHED = /^(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?:$|[T ])/;
const CLOCK = /^(\d{1,2}):?(\d{2})(?::?(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/;

/**
 * @param clock content of a column of its own for the time of day
 * @returns what it says, or why it says nothing, as `must be …`
 */
export type TimeParser = (text: string, clock: string | null) => FileTime | string;

export function createTimeParser(rules: TimeRules): TimeParser {
  // Files name the same date many times in a row.
  let lastText: string | null = null;
  let lastDate: number | string = '';
  return (text, clock) => {
    const whole = text.trim();
    if (clock === null && /^\d{9,13}$/.test(whole)) return fromNumber(whole);
    const cut = /[T ]/.exec(whole)?.index ?? -1;
    const date = cut < 0 ? whole : whole.slice(0, cut);
    if (date !== lastText) {
      lastDate = readDate(date, rules.order);
      lastText = date;
    }
    if (typeof lastDate === 'string') return lastDate;
    const rest = clock ?? (cut < 0 ? '' : whole.slice(cut + 1).trim());
    return rest === '' ? { time: lastDate, date: lastDate, isDate: true } : withClock(lastDate, rest, rules.zone);
  };
}

function fromNumber(text: string): FileTime | string {
  const time = text.length === 13 ? Number(text) / 1_000 : Number(text);
  if (text.length > 10 && text.length < 13) return 'must be a time; a number means Unix seconds or milliseconds';
  return { time, date: Math.floor(time / DAY) * DAY, isDate: time % DAY === 0 };
}

function readDate(text: string, order: DateOrder | null): number | string {
  const iso = DATE.exec(text);
  if (iso !== null) return calendarDate(Number(iso[1]), Number(iso[3]), Number(iso[4]), text);
  const slashed = SLASHED.exec(text);
  if (slashed === null) return 'must be a date or time such as 2024-01-31 or 2024-01-31T15:30:00Z';
  const [first, second, year] = [Number(slashed[1]), Number(slashed[3]), Number(slashed[4])];
  if (order === null) return 'can be read in two ways: say --date-format mdy or dmy';
  return order === 'mdy' ? calendarDate(year, first, second, text) : calendarDate(year, second, first, text);
}

function calendarDate(year: number, month: number, day: number, text: string): number | string {
  const milliseconds = Date.UTC(year, month - 1, day);
  const date = new Date(milliseconds);
  const exists = date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
  return exists ? milliseconds / 1_000 : `is no date of the calendar: ${text}`;
}

function withClock(date: number, text: string, zone: ZoneOffset): FileTime | string {
  const parts = CLOCK.exec(text);
  if (parts === null) return 'must have a time of day such as 15:30, 15:30:00Z or 15:30:00-05:00';
  const [, hour = '', minute = '', second = '0', fraction = '', offset] = parts;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return `has no such time of day: ${text}`;
  const ofDay =
    Number(hour) * 3_600 + Number(minute) * 60 + Number(second) + (fraction === '' ? 0 : Number(`0.${fraction}`));
  const local = date + ofDay;
  const time = offset === undefined ? fromLocal(local, zone) : local - offsetSeconds(offset);
  return { time, date, isDate: ofDay === 0 };
}

function offsetSeconds(text: string): number {
  if (text === 'Z' || text === 'UTC' || text === 'GMT') return 0;
  const digits = text.slice(1).replace(':', '').padEnd(4, '0');
  const seconds = Number(digits.slice(0, 2)) * 3_600 + Number(digits.slice(2)) * 60;
  return text.startsWith('-') ? -seconds : seconds;
}
