/** New York Stock Exchange, Nasdaq and those that keep their calendar. Source: nyse.com/markets/hours-calendars */
import { clockTime, exchangeCalendar, hoursAlways, type EarlyClose } from '../exchange.ts';
import {
  dates,
  FRIDAY,
  goodFriday,
  MONDAY,
  nearestWeekday,
  nthWeekday,
  sundayToMonday,
  THURSDAY,
} from '../holidays.ts';
import { DAY, dateOf, isWeekend, weekdayOf } from '../zoned-time.ts';

const EARLY = clockTime('13:00');

export const NEW_YORK = exchangeCalendar({
  name: 'NYSE and Nasdaq',
  hours: hoursAlways('09:30-16:00'),
  holidays: (year) => [
    // A New Year's Day on a Saturday is not made up for: the last day of the year is one of accounts.
    sundayToMonday(dateOf(year, 1, 1)),
    nthWeekday(year, 1, MONDAY, 3),
    nthWeekday(year, 2, MONDAY, 3),
    goodFriday(year),
    nthWeekday(year, 5, MONDAY, -1),
    ...(year >= 2022 ? [nearestWeekday(dateOf(year, 6, 19))] : []),
    nearestWeekday(dateOf(year, 7, 4)),
    nthWeekday(year, 9, MONDAY, 1),
    nthWeekday(year, 11, THURSDAY, 4),
    nearestWeekday(dateOf(year, 12, 25)),
  ],
  // Ford's funeral, Sandy, the funerals of Bush and of Carter.
  closures: dates('2007-01-02 2012-10-29 2012-10-30 2018-12-05 2025-01-09'),
  earlyCloses: (year) => {
    const before = [dateOf(year, 7, 3), dateOf(year, 12, 24)].filter(
      // On a Friday it is the holiday itself, moved from Saturday.
      (date) => !isWeekend(date) && weekdayOf(date) !== FRIDAY,
    );
    return [...before, nthWeekday(year, 11, THURSDAY, 4) + DAY].map((date): EarlyClose => [date, EARLY]);
  },
});
