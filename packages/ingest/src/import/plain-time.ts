/** Times that name UTC, and Unix seconds, out of bytes: those that times.ts reads in the same way, whatever the rules. */

const DASH = 0x2d;
const COLON = 0x3a;
const POINT = 0x2e;
const SPACE = 0x20;
const T = 0x54;
const Z = 0x5a;
const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
const DAY = 86_400;

/** The date that was read last: files name the same one many times in a row. */
let lastDate = -1;
let lastDay = 0;

/** `2024-01-31T15:30:00Z`, also with a space or `.000`, or ten digits. @returns Unix seconds; NaN for everything else */
export function zonedTime(bytes: Buffer, from: number, to: number): number {
  const length = to - from;
  if (length === 10) return digits(bytes, from, 10);
  if (length !== 20 && length !== 24) return Number.NaN;
  const separator = bytes[from + 10];
  if (
    bytes[from + 4] !== DASH ||
    bytes[from + 7] !== DASH ||
    (separator !== T && separator !== SPACE) ||
    bytes[from + 13] !== COLON ||
    bytes[from + 16] !== COLON ||
    bytes[to - 1] !== Z ||
    (length === 24 && (bytes[from + 19] !== POINT || digits(bytes, from + 20, 3) !== 0))
  ) {
    return Number.NaN;
  }
  const hour = digits(bytes, from + 11, 2);
  const minute = digits(bytes, from + 14, 2);
  const second = digits(bytes, from + 17, 2);
  if (!(hour <= 23 && minute <= 59 && second <= 59)) return Number.NaN;
  const day = dayOf(digits(bytes, from, 4), digits(bytes, from + 5, 2), digits(bytes, from + 8, 2));
  return day * DAY + hour * 3_600 + minute * 60 + second;
}

/** @returns NaN unless all are digits */
function digits(bytes: Buffer, from: number, count: number): number {
  let value = 0;
  for (let at = from; at < from + count; at += 1) {
    const digit = (bytes[at] ?? 0) - 0x30;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** Days since 1970-01-01; NaN where the calendar has no such date, or one before 1970. */
function dayOf(year: number, month: number, day: number): number {
  const date = year * 10_000 + month * 100 + day;
  if (date === lastDate) return lastDay;
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 1 : 0;
  if (!(year >= 1970 && day >= 1 && day <= (MONTH_DAYS[month - 1] ?? 0) + leap)) return Number.NaN;
  lastDate = date;
  lastDay = Date.UTC(year, month - 1, day) / 86_400_000;
  return lastDay;
}
