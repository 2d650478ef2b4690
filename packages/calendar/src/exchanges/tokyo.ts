/** Tokyo Stock Exchange. Source: jpx.co.jp, "Calendar"; Japan's holidays by its Act on National Holidays */
import { clockTime, exchangeCalendar, hoursSince, type EarlyClose } from '../exchange.ts';
import { dates, followingMonday, lastWeekdayUntil, MONDAY, nthWeekday, SUNDAY } from '../holidays.ts';
import { DAY, dateOf, weekdayOf } from '../zoned-time.ts';

const MORNING_END = clockTime('11:00');

export const TOKYO = exchangeCalendar({
  name: 'Tokyo Stock Exchange',
  hours: [
    hoursSince('1991-04-29', '09:00-11:00 12:30-15:00'),
    hoursSince('2011-11-21', '09:00-11:30 12:30-15:00'),
    hoursSince('2024-11-05', '09:00-11:30 12:30-15:30'),
  ],
  holidays: (year) => [
    dateOf(year, 1, 1),
    dateOf(year, 1, 2),
    dateOf(year, 1, 3),
    dateOf(year, 12, 31),
    ...nationalHolidays(year),
  ],
  // The outage of the trading system.
  closures: dates('2020-10-01'),
  // The first and the last day of a year were mornings only.
  earlyCloses: (year) => [
    ...(year <= 2009 ? [[followingMonday(dateOf(year, 1, 4)), MORNING_END] as EarlyClose] : []),
    ...(year <= 2008 ? [[lastWeekdayUntil(dateOf(year, 12, 30)), MORNING_END] as EarlyClose] : []),
  ],
});

function nationalHolidays(year: number): number[] {
  const named = new Set(namedHolidays(year));
  const all = new Set(named);
  // A holiday on a Sunday is made up for on the next day that is none.
  for (const date of named) {
    if (weekdayOf(date) !== SUNDAY) continue;
    let substitute = date + DAY;
    while (year >= 2007 && named.has(substitute)) substitute += DAY;
    all.add(substitute);
  }
  // So is a day between two holidays.
  for (const date of named) if (named.has(date + 2 * DAY) && weekdayOf(date + DAY) !== SUNDAY) all.add(date + DAY);
  return [...all];
}

function namedHolidays(year: number): number[] {
  const on = (month: number, day: number) => dateOf(year, month, day);
  const years = year - 1980;
  const leaps = Math.floor(years / 4);
  const found = [
    on(1, 1),
    nthWeekday(year, 1, MONDAY, 2),
    on(2, 11),
    // Equinoxes, by the formula of the almanac, good from 1980 to 2099.
    on(3, Math.floor(20.8431 + 0.242194 * years) - leaps),
    on(4, 29),
    on(5, 3),
    on(5, 5),
    on(9, Math.floor(23.2488 + 0.242194 * years) - leaps),
    nthWeekday(year, 9, MONDAY, 3),
    on(11, 3),
    on(11, 23),
  ];
  if (year >= 2007) found.push(on(5, 4));
  // The emperor's birthday; none in the year of the change.
  if (year <= 2018) found.push(on(12, 23));
  if (year >= 2020) found.push(on(2, 23));
  if (year === 2019) found.push(on(5, 1), on(10, 22));
  return [...found, ...summerHolidays(year)];
}

/** Marine Day, Mountain Day and Sports Day, which the Olympic games moved. */
function summerHolidays(year: number): number[] {
  if (year === 2020) return [dateOf(2020, 7, 23), dateOf(2020, 8, 10), dateOf(2020, 7, 24)];
  if (year === 2021) return [dateOf(2021, 7, 22), dateOf(2021, 8, 8), dateOf(2021, 7, 23)];
  return [
    nthWeekday(year, 7, MONDAY, 3),
    ...(year >= 2016 ? [dateOf(year, 8, 11)] : []),
    nthWeekday(year, 10, MONDAY, 2),
  ];
}
