/** Euronext Paris, Amsterdam, Brussels and Lisbon. Source: euronext.com, "Trading hours and holidays" */
import { clockTime, exchangeCalendar, hoursAlways, type EarlyClose } from '../exchange.ts';
import { easterMonday, goodFriday } from '../holidays.ts';
import { dateOf } from '../zoned-time.ts';

const EARLY = clockTime('14:05');

export const EURONEXT = exchangeCalendar({
  name: 'Euronext',
  hours: hoursAlways('09:00-17:30'),
  holidays: (year) => [
    dateOf(year, 1, 1),
    goodFriday(year),
    easterMonday(year),
    dateOf(year, 5, 1),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
  ],
  closures: [],
  earlyCloses: (year) =>
    year < 2007 ? [] : [dateOf(year, 12, 24), dateOf(year, 12, 31)].map((date): EarlyClose => [date, EARLY]),
});
