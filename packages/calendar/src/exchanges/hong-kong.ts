/** Stock Exchange of Hong Kong. Source: hkex.com.hk, "Trading calendar", which follows gov.hk/en/about/abouthk/holiday */
import { clockTime, exchangeCalendar, hoursSince, type EarlyClose } from '../exchange.ts';
import { dates, easterMonday, goodFriday, SUNDAY } from '../holidays.ts';
import { DAY, dateOf, weekdayOf } from '../zoned-time.ts';

/**
 * Festivals of the lunisolar calendar: New Year, Buddha's birthday, Tuen Ng, Mid-Autumn, Chung Yeung. Written down instead
 * of asked of Intl, which is a day off where a new moon falls near midnight in China (New Year of 2027).
 */
const LUNAR: Readonly<Record<number, string>> = {
  2005: '02-09 05-15 06-11 09-18 10-11',
  2006: '01-29 05-05 05-31 10-06 10-30',
  2007: '02-18 05-24 06-19 09-25 10-19',
  2008: '02-07 05-12 06-08 09-14 10-07',
  2009: '01-26 05-02 05-28 10-03 10-26',
  2010: '02-14 05-21 06-16 09-22 10-16',
  2011: '02-03 05-10 06-06 09-12 10-05',
  2012: '01-23 04-28 06-23 09-30 10-23',
  2013: '02-10 05-17 06-12 09-19 10-13',
  2014: '01-31 05-06 06-02 09-08 10-02',
  2015: '02-19 05-25 06-20 09-27 10-21',
  2016: '02-08 05-14 06-09 09-15 10-09',
  2017: '01-28 05-03 05-30 10-04 10-28',
  2018: '02-16 05-22 06-18 09-24 10-17',
  2019: '02-05 05-12 06-07 09-13 10-07',
  2020: '01-25 04-30 06-25 10-01 10-25',
  2021: '02-12 05-19 06-14 09-21 10-14',
  2022: '02-01 05-08 06-03 09-10 10-04',
  2023: '01-22 05-26 06-22 09-29 10-23',
  2024: '02-10 05-15 06-10 09-17 10-11',
  2025: '01-29 05-05 05-31 10-06 10-29',
  2026: '02-17 05-24 06-19 09-25 10-18',
  2027: '02-06 05-13 06-09 09-15 10-08',
};

export const HONG_KONG = exchangeCalendar({
  name: 'Hong Kong Stock Exchange',
  hours: [
    hoursSince('1986-04-02', '10:00-12:30 14:30-16:00'),
    hoursSince('2011-03-07', '09:30-12:00 13:30-16:00'),
    hoursSince('2012-03-05', '09:30-12:00 13:00-16:00'),
  ],
  holidays,
  // An anniversary in 2015; typhoons and rain storms that shut the market for the whole day.
  closures: dates(
    `2008-08-06 2008-08-22 2011-09-29 2013-08-14 2015-09-03 2016-08-02 2016-10-21 2017-08-23 2020-10-13 2021-10-13
     2023-07-17 2023-09-01 2023-09-08 2024-09-06`,
  ),
  earlyCloses: (year) => {
    const eves = [dateOf(year, 12, 24), dateOf(year, 12, 31)];
    const newYear = lunarDates(year)[0];
    if (newYear !== undefined) eves.push(newYear - DAY);
    return eves.map((date): EarlyClose => [date, clockTime(date < dateOf(2011, 3, 7) ? '12:30' : '12:00')]);
  },
});

/** Years beyond the table have no lunar holidays. */
function lunarDates(year: number): number[] {
  const told = LUNAR[year];
  return told === undefined ? [] : dates(told.replace(/\d\d-\d\d/g, `${year}-$&`));
}

function holidays(year: number): number[] {
  const taken = new Set<number>();
  /** A holiday on a Sunday, or on another holiday, moves to the next day that is free. */
  const add = (date: number) => {
    while (taken.has(date) || weekdayOf(date) === SUNDAY) date += DAY;
    taken.add(date);
  };
  const [newYear, buddha, tuenNg, midAutumn, chungYeung] = lunarDates(year);
  const fixed = [dateOf(year, 1, 1), goodFriday(year), easterMonday(year), dateOf(year, 5, 1), dateOf(year, 7, 1)];
  for (const date of [...fixed, dateOf(year, 10, 1), dateOf(year, 12, 25), dateOf(year, 12, 26)]) add(date);
  add(dateOf(year, 4, chingMing(year)));
  for (const date of [buddha, tuenNg, chungYeung]) if (date !== undefined) add(date);
  // Until 2011 the day before made up for a Sunday, which was a Saturday.
  if (midAutumn !== undefined && (year >= 2012 || weekdayOf(midAutumn + DAY) !== SUNDAY)) add(midAutumn + DAY);
  if (newYear !== undefined) addNewYear(year, newYear, add);
  return [...taken];
}

/** Three days; when a Sunday is among them, the fourth too, or until 2011 the day before. */
function addNewYear(year: number, newYear: number, add: (date: number) => void): void {
  const days = [newYear, newYear + DAY, newYear + 2 * DAY];
  if (year < 2012 && days.some((date) => weekdayOf(date) === SUNDAY)) {
    for (const date of days) if (weekdayOf(date) !== SUNDAY) add(date);
    add(newYear - DAY);
  } else for (const date of days) add(date);
}

/** Day of April at which the sun stands at 15°, good from 2000 to 2099. */
function chingMing(year: number): number {
  const years = year % 100;
  return Math.floor(0.2422 * years + 4.81) - Math.floor(years / 4);
}
