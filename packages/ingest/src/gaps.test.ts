import { unixSeconds } from '@tapecast/contracts/units';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { askTogether, gapsBetween } from './gaps.ts';

const keys = (...times: number[]) => times.map(unixSeconds);
const range = (from: number, to: number) => ({ from: unixSeconds(from), to: unixSeconds(to) });
const stored = (times: readonly number[], live = false) => times.map((time) => ({ time: unixSeconds(time), live }));
const DAY = 86_400;

describe('gaps between stored bars', () => {
  const expected = keys(1, 2, 3, 10, 11, 12);

  it('are bars of the sessions that are missing, told together where they follow each other', () => {
    expect(gapsBetween(expected, stored([1, 12]), []).gaps).toEqual([{ from: 2, to: 11, bars: 4 }]);
    expect(gapsBetween(expected, stored([2, 10, 11]), []).gaps).toEqual([
      { from: 1, to: 1, bars: 1 },
      { from: 3, to: 3, bars: 1 },
      { from: 12, to: 12, bars: 1 },
    ]);
    expect(gapsBetween(expected, stored(expected), []).gaps).toEqual([]);
  });

  it('are none where the vendor has nothing either', () => {
    expect(gapsBetween(expected, stored([1]), [range(2, 3), range(3, 10)])).toEqual({
      gaps: [{ from: 11, to: 12, bars: 2 }],
      confirmedEmpty: 3,
    });
  });

  it('are there where only a live bar is, in a session or outside of any', () => {
    const found = gapsBetween(
      expected,
      [...stored([1, 2, 3]), ...stored([5], true), ...stored([10], true), ...stored([11, 12])],
      [],
    );
    expect(found.gaps).toEqual([{ from: 5, to: 10, bars: 2 }]);
  });

  it('and stored and empty bars are all of the expected ones, for any of them', () => {
    const some = fc.uniqueArray(fc.integer({ min: 0, max: 60 }));
    fc.assert(
      fc.property(some, some, some, (wanted, given, nowhere) => {
        const expectedKeys = keys(...wanted.toSorted((a, b) => a - b));
        const empty = nowhere.toSorted((a, b) => a - b).map((key) => range(key, key));
        const { gaps, confirmedEmpty } = gapsBetween(expectedKeys, stored(given), empty);
        const missing = wanted.filter((key) => !given.includes(key));
        expect(confirmedEmpty).toBe(missing.filter((key) => nowhere.includes(key)).length);
        expect(gaps.reduce((sum, { bars }) => sum + bars, 0)).toBe(missing.length - confirmedEmpty);
        for (const { from, to } of gaps) expect(missing).toEqual(expect.arrayContaining([from, to]));
      }),
    );
  });
});

describe('asking', () => {
  it('takes near gaps together, the newest first, and leaves long ones whole', () => {
    expect(askTogether('1m', [range(0, 60), range(3 * DAY, 3 * DAY), range(9 * DAY, 40 * DAY)])).toEqual([
      range(9 * DAY, 40 * DAY),
      range(0, 3 * DAY),
    ]);
    expect(askTogether('1d', [range(0, 3_000 * DAY), range(2_999 * DAY, 3_001 * DAY)])).toEqual([
      range(0, 3_001 * DAY),
    ]);
    expect(askTogether('1h', [])).toEqual([]);
  });
});
