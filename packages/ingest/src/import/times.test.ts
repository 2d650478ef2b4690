import { zoneOffset } from '@tapecast/calendar/zoned-time';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createTimeParser } from './times.ts';

const utc = createTimeParser({ zone: zoneOffset('UTC'), order: null });
const at = (text: string) => Date.parse(text) / 1_000;

describe('times in files', () => {
  it.each([
    ['2024-01-31', null, '2024-01-31T00:00:00Z'],
    ['20240131', null, '2024-01-31T00:00:00Z'],
    ['20240131', '153000', '2024-01-31T15:30:00Z'],
    ['2024-01-31 15:30', null, '2024-01-31T15:30:00Z'],
    ['2024-01-31T15:30:00.000Z', null, '2024-01-31T15:30:00Z'],
    ['2024-01-31T15:30:00-05:00', null, '2024-01-31T20:30:00Z'],
    ['2024-01-31 15:30:00+0530', null, '2024-01-31T10:00:00Z'],
    ['1706715000', null, '2024-01-31T15:30:00Z'],
    ['1706715000000', null, '2024-01-31T15:30:00Z'],
  ])('%s %s', (text, clock, expected) => {
    expect(utc(text, clock)).toMatchObject({ time: at(expected) });
  });

  it.each([
    '2024-02-31',
    '2023-02-29',
    '2024-13-01',
    '24:00',
    '',
    'null',
    '2024-01-31T25:00Z',
    '2024-1-1',
    '01/02/2024',
    '1.5e9',
  ])('refuses %s in words', (text) => {
    expect(utc(text, null)).toEqual(expect.any(String));
  });

  it('reads a local time by its zone on both sides of a change of clocks', () => {
    const newYork = createTimeParser({ zone: zoneOffset('America/New_York'), order: 'mdy' });
    expect(newYork('2024-03-08 09:30', null)).toMatchObject({ time: at('2024-03-08T14:30Z') });
    expect(newYork('03/11/2024', '09:30')).toMatchObject({ time: at('2024-03-11T13:30Z'), date: at('2024-03-11') });
  });

  it('reads whatever ISO time is written, and never throws', () => {
    const dates = fc.date({ min: new Date('1900-01-01'), max: new Date('2100-01-01'), noInvalidDate: true });
    fc.assert(
      fc.property(dates, (date) => {
        const seconds = Math.floor(date.getTime() / 1_000);
        const text = new Date(seconds * 1_000).toISOString();
        expect(utc(text, null)).toMatchObject({ time: seconds });
      }),
    );
    fc.assert(fc.property(fc.string(), fc.option(fc.string()), (text, clock) => void utc(text, clock)));
  });
});
