import type { Bar } from '@tapecast/contracts/bar';
import type { Ticker } from '@tapecast/contracts/ticker';
import { revision, type Epoch } from '@tapecast/contracts/units';
import type { SeriesChanges } from '@tapecast/db/bars';
import { expect, it } from 'vitest';
import { SeriesFeed } from './series-feed.ts';

const EPOCH = 'first' as Epoch;
const bar = (close: number): Bar => [60, close, close, close, close, 1] as unknown as Bar;

/** A feed at revision 1 whose reads are answered by hand, and one who notes each change by itself. */
function setUp() {
  const reads: { after: number; answer(page: Partial<SeriesChanges>): void }[] = [];
  const told: [prev: number, revision: number, ...closes: unknown[]][] = [];
  const feed = new SeriesFeed({
    ticker: 'MSFT' as Ticker,
    resolution: '1m',
    epoch: EPOCH,
    head: revision(1),
    readChanges: (after) =>
      new Promise((resolve) => {
        const answer = (page: Partial<SeriesChanges>) =>
          resolve({ epoch: EPOCH, complete: true, bars: [], revision: revision(after), ...page } as SeriesChanges);
        reads.push({ after, answer });
      }),
    onOtherEpoch: () => undefined,
    onReadFailed: (error) => {
      throw error;
    },
    now: () => 0,
  });
  let held = 1;
  feed.subscribe({
    isDue() {
      const { prev, revision: now, bars } = feed.since(held);
      held = now;
      told.push([prev, now, ...bars.map((each) => each[4])]);
    },
    begunAnew: () => undefined,
  });
  const hint = (to: number, close: number) => feed.change(revision(to - 1), revision(to), [bar(close)]);
  return { feed, reads, told, hint };
}

/** Lets what hangs on settled promises run. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

it('tells what it hears during a read change by change, and reads nothing twice', async () => {
  const { feed, reads, told, hint } = setUp();
  feed.catchUp(revision(2)); // a bulk load: its hint has no bars
  hint(3, 103);
  hint(4, 104);
  expect(told).toEqual([]);
  reads[0]?.answer({ revision: revision(2), bars: [bar(102)] });
  await turn();
  expect(told).toEqual([
    [1, 2, 102],
    [2, 3, 103],
    [3, 4, 104],
  ]);
  expect(reads.map(({ after }) => after)).toEqual([1]);
  hint(5, 105);
  expect(told.at(-1)).toEqual([4, 5, 105]);
});

it('does not set back what a read already told of', async () => {
  const { feed, reads, told, hint } = setUp();
  feed.catchUp(revision(2));
  hint(3, 103);
  hint(4, 104);
  // The query ran when 3 was there.
  reads[0]?.answer({ revision: revision(3), bars: [bar(103)] });
  await turn();
  expect(told).toEqual([
    [1, 3, 103],
    [3, 4, 104],
  ]);
});

it('reads on where a hint is missing, and forgets what it heard in another epoch', async () => {
  const { feed, reads, told, hint } = setUp();
  hint(3, 103); // 2 got lost
  reads[0]?.answer({ revision: revision(2), bars: [bar(102)] });
  await turn();
  expect(told.at(-1)).toEqual([2, 3, 103]);
  hint(5, 105); // 4 got lost
  feed.restart('second' as Epoch, revision(1));
  told.length = 0;
  reads[1]?.answer({ revision: revision(5), bars: [bar(105)] });
  await turn();
  expect(told.flat()).not.toContain(105);
});
