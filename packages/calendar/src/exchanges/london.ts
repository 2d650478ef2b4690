/** London Stock Exchange. Source: londonstockexchange.com, "Business days", which follow gov.uk/bank-holidays */
import { clockTime, exchangeCalendar, hoursAlways, type EarlyClose } from '../exchange.ts';
import {
  dates,
  easterMonday,
  followingMonday,
  followingWeekdays,
  goodFriday,
  lastWeekdayUntil,
  MONDAY,
  nthWeekday,
} from '../holidays.ts';
import { dateOf } from '../zoned-time.ts';

const EARLY = clockTime('12:30');

/** Years whose spring bank holiday was moved for a jubilee. */
const SPRING: Readonly<Record<number, number>> = { 2012: dateOf(2012, 6, 4), 2022: dateOf(2022, 6, 2) };

export const LONDON = exchangeCalendar({
  name: 'London Stock Exchange',
  hours: hoursAlways('08:00-16:30'),
  holidays: (year) => [
    followingMonday(dateOf(year, 1, 1)),
    goodFriday(year),
    easterMonday(year),
    // Moved to the 75th anniversary of the end of the war.
    year === 2020 ? dateOf(2020, 5, 8) : nthWeekday(year, 5, MONDAY, 1),
    SPRING[year] ?? nthWeekday(year, 5, MONDAY, -1),
    nthWeekday(year, 8, MONDAY, -1),
    ...followingWeekdays(dateOf(year, 12, 25)),
  ],
  // A royal wedding, two jubilees, a state funeral, a coronation.
  closures: dates('2011-04-29 2012-06-05 2022-06-03 2022-09-19 2023-05-08'),
  earlyCloses: (year) =>
    [dateOf(year, 12, 24), dateOf(year, 12, 31)].map((date): EarlyClose => [lastWeekdayUntil(date), EARLY]),
});
