/** Xetra and the Frankfurt floor. Source: xetra.com, "Trading calendar" */
import { clockTime, exchangeCalendar, hoursAlways } from '../exchange.ts';
import { dates, easterMonday, goodFriday, lastWeekdayUntil, whitMonday } from '../holidays.ts';
import { dateOf } from '../zoned-time.ts';

const EARLY = clockTime('14:00');

export const FRANKFURT = exchangeCalendar({
  name: 'Xetra',
  hours: hoursAlways('09:00-17:30'),
  holidays: (year) => [
    dateOf(year, 1, 1),
    goodFriday(year),
    easterMonday(year),
    dateOf(year, 5, 1),
    ...(year === 2007 || (year >= 2015 && year <= 2021) ? [whitMonday(year)] : []),
    ...(year >= 2014 && year <= 2021 ? [dateOf(year, 10, 3)] : []),
    dateOf(year, 12, 24),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
    dateOf(year, 12, 31),
  ],
  // The 500th anniversary of the Reformation.
  closures: dates('2017-10-31'),
  earlyCloses: (year) => (year < 2010 ? [] : [[lastWeekdayUntil(dateOf(year, 12, 30)), EARLY]]),
});
