/** Toronto Stock Exchange and TSX Venture. Source: tsx.com, "Calendar and trading hours" */
import { clockTime, exchangeCalendar, hoursAlways } from '../exchange.ts';
import { followingMonday, followingWeekdays, goodFriday, MONDAY, nthWeekday } from '../holidays.ts';
import { DAY, dateOf, weekdayOf } from '../zoned-time.ts';

const EARLY = clockTime('13:00');

export const TORONTO = exchangeCalendar({
  name: 'Toronto Stock Exchange',
  hours: hoursAlways('09:30-16:00'),
  holidays: (year) => [
    followingMonday(dateOf(year, 1, 1)),
    ...(year >= 2008 ? [nthWeekday(year, 2, MONDAY, 3)] : []),
    goodFriday(year),
    mondayBefore(dateOf(year, 5, 25)),
    followingMonday(dateOf(year, 7, 1)),
    nthWeekday(year, 8, MONDAY, 1),
    nthWeekday(year, 9, MONDAY, 1),
    nthWeekday(year, 10, MONDAY, 2),
    ...followingWeekdays(dateOf(year, 12, 25)),
  ],
  closures: [],
  earlyCloses: (year) => (year < 2010 ? [] : [[dateOf(year, 12, 24), EARLY]]),
});

function mondayBefore(date: number): number {
  return date - (((weekdayOf(date) + 5) % 7) + 1) * DAY;
}
