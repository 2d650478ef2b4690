import type { Bar, LiveBar } from '@tapecast/contracts/bar';
import { unixSeconds } from '@tapecast/contracts/units';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grownFrom, mergeBars } from './merge-bars.ts';

const bar = (time: number, close: number): LiveBar => [unixSeconds(time), close, close, close, close, 1];
const withdrawn = (time: number): Bar => [unixSeconds(time), null, null, null, null, null];

describe('mergeBars', () => {
  it('replaces the last bar, appends a newer one, and puts an older one in its place', () => {
    const held = [bar(60, 1), bar(180, 2)];
    expect(mergeBars(held, [bar(180, 3)])).toEqual([bar(60, 1), bar(180, 3)]);
    expect(mergeBars(held, [bar(240, 3)])).toEqual([bar(60, 1), bar(180, 2), bar(240, 3)]);
    expect(mergeBars(held, [bar(120, 3)])).toEqual([bar(60, 1), bar(120, 3), bar(180, 2)]);
  });

  it('drops withdrawn bars, also ones that it never held', () => {
    expect(mergeBars([bar(60, 1), bar(120, 2)], [withdrawn(120)])).toEqual([bar(60, 1)]);
    expect(mergeBars([bar(60, 1)], [withdrawn(120)])).toEqual([bar(60, 1)]);
  });

  it('ends with the newest state of each time, whatever the order', () => {
    const change = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.option(fc.integer({ min: 1, max: 9 })));
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 12 }), (batches) => {
        let held: LiveBar[] = [];
        const truth = new Map<number, number>();
        for (const batch of batches) {
          held = mergeBars(
            held,
            batch.map(([time, close]) => (close === null ? withdrawn(time) : bar(time, close))),
          );
          for (const [time, close] of batch) {
            if (close === null) truth.delete(time);
            else truth.set(time, close);
          }
        }
        expect(held.map((each) => [each[0], each[4]])).toEqual([...truth].sort((a, b) => a[0] - b[0]));
      }),
    );
  });
});

describe('grownFrom', () => {
  const held = [bar(60, 1), bar(120, 2)];

  it('finds a changed last bar and later ones without calling the others new', () => {
    expect(grownFrom(held, mergeBars(held, [bar(120, 3)]))).toBe(1);
    expect(grownFrom(held, mergeBars(held, [bar(120, 3), bar(180, 3)]))).toBe(1);
    expect(grownFrom(held, mergeBars(held, [bar(180, 3)]))).toBe(2);
    expect(grownFrom(held, held)).toBe(2);
  });

  it('tells what is no growth: bars that come earlier, change or go', () => {
    expect(grownFrom(held, mergeBars(held, [bar(0, 3)]))).toBeNull();
    expect(grownFrom(held, mergeBars(held, [bar(90, 3)]))).toBeNull();
    expect(grownFrom(held, mergeBars(held, [bar(60, 3)]))).toBeNull();
    expect(grownFrom(held, mergeBars(held, [withdrawn(120)]))).toBeNull();
    expect(grownFrom(held, mergeBars(held, [withdrawn(120), bar(180, 3)]))).toBeNull();
    expect(grownFrom([bar(120, 2)], [bar(60, 1), bar(120, 2)])).toBeNull();
  });

  it('is exactly what a chart can take one by one, whatever comes', () => {
    const change = fc.tuple(fc.integer({ min: 0, max: 9 }), fc.option(fc.integer({ min: 1, max: 9 })));
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 3 }), { maxLength: 12 }), (batches) => {
        let held: LiveBar[] = [];
        let drawn: LiveBar[] = [];
        for (const batch of batches) {
          const next = mergeBars(
            held,
            batch.map(([time, close]) => (close === null ? withdrawn(time) : bar(time, close))),
          );
          const from = grownFrom(held, next);
          if (from === null) drawn = [...next];
          for (const each of from === null ? [] : next.slice(from)) {
            // As the chart does: the last bar or a later one, never an earlier one.
            const last = drawn.at(-1);
            expect(each[0]).toBeGreaterThanOrEqual(last?.[0] ?? 0);
            if (last?.[0] === each[0]) drawn.pop();
            drawn.push(each);
          }
          held = next;
          expect(drawn).toEqual(held);
        }
      }),
    );
  });
});
