import type { Bar } from '@tapecast/contracts/bar';
import { unixSeconds } from '@tapecast/contracts/units';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SeriesStore } from './series-store.ts';

const bar = (time: number, close: number): Bar => [unixSeconds(time), close, close, close, close, 1];
const withdrawn = (time: number): Bar => [unixSeconds(time), null, null, null, null, null];
const times = (store: SeriesStore) => store.bars.map(([time]) => time);

describe('SeriesStore', () => {
  it('equals a map of the latest states, whatever comes', () => {
    const change = fc.tuple(fc.integer({ min: 0, max: 20 }), fc.option(fc.integer({ min: 1, max: 9 })));
    fc.assert(
      fc.property(fc.array(fc.array(change, { maxLength: 6 }), { maxLength: 12 }), (batches) => {
        const store = new SeriesStore();
        const expected = new Map<number, Bar>();
        for (const batch of batches) {
          const bars = batch.map(([time, close]) => (close === null ? withdrawn(time) : bar(time, close)));
          for (const each of bars) {
            if (each[4] === null) expected.delete(each[0]);
            else expected.set(each[0], each);
          }
          store.merge(bars);
        }
        expect(store.bars).toEqual([...expected.values()].sort((left, right) => left[0] - right[0]));
      }),
    );
  });

  it('returns only what made a difference', () => {
    const store = new SeriesStore();
    store.merge([bar(1, 5), bar(2, 5)]);
    expect(store.merge([bar(2, 5)])).toEqual([]);
    expect(store.merge([bar(1, 5), bar(2, 6), withdrawn(7)])).toEqual([bar(2, 6)]);
  });

  it('keeps no bar beyond a hole that it has not read', () => {
    const store = new SeriesStore();
    store.replace([bar(10, 1), bar(11, 1)], false);
    expect(store.merge([bar(3, 1)])).toEqual([]);
    expect(times(store)).toEqual([10, 11]);
    store.prepend([bar(3, 2), bar(5, 2)], true, false);
    expect(store.merge([bar(4, 1), bar(2, 1)])).toEqual([bar(4, 1)]);
    expect(times(store)).toEqual([3, 4, 5, 10, 11]);
  });

  it('takes anything older once the whole series is held', () => {
    const store = new SeriesStore();
    store.replace([], true);
    store.merge([bar(10, 1)]);
    store.merge([bar(3, 1)]);
    expect(times(store)).toEqual([3, 10]);
  });

  it('lets an older page fill in, not overwrite', () => {
    const store = new SeriesStore();
    store.replace([bar(10, 7), bar(11, 7)], false);
    store.prepend([bar(9, 1), bar(10, 1)], false, true);
    expect(store.bars).toEqual([bar(9, 1), bar(10, 7), bar(11, 7)]);
  });
});
