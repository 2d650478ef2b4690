import type { Bar } from '@tapecast/contracts/bar';
import type { BarsChange } from '@tapecast/contracts/socket';
import type { Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds, type Epoch, type Revision } from '@tapecast/contracts/units';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeMerger } from './change-merger.ts';
import { Tally } from './metrics.ts';
import { nudge, Outbox } from './outbox.ts';

const bar = (time: number, close: number): Bar => [unixSeconds(time), close, close, close, close, null];
const change = (prev: number, revision: number, bars: Bar[] = [bar(1, revision)], epoch = 'e'): BarsChange => ({
  epoch: epoch as Epoch,
  ticker: 'MSFT' as Ticker,
  resolution: '1m',
  prev: prev as Revision,
  revision: revision as Revision,
  bars,
});
const started = (revision: number): Outbox => {
  const outbox = new Outbox(new ChangeMerger());
  outbox.start(revision as Revision);
  return outbox;
};

describe('Outbox', () => {
  it('hands a single change on as it is, to be encoded once for all', () => {
    const outbox = started(4);
    const only = change(4, 5);
    outbox.add(only);
    expect(outbox.take(new Tally())).toBe(only);
    expect(outbox.due).toBe(false);
  });

  it('holds back until the ack, and drops what the ack includes', () => {
    const outbox = new Outbox(new ChangeMerger());
    outbox.add(change(4, 5));
    expect(outbox.due).toBe(false);
    outbox.start(5 as Revision);
    expect(outbox.due).toBe(false);
    const early = new Outbox(new ChangeMerger());
    early.add(change(4, 5));
    early.add(change(5, 6));
    early.start(5 as Revision);
    expect(early.take(new Tally())).toMatchObject({ prev: 5, revision: 6 });
  });

  it('merges to the newest state of each bar, from the client’s revision on', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(5), fc.nat(9)), { minLength: 1, maxLength: 60 }), (writes) => {
        const outbox = started(0);
        writes.forEach(([time, close], index) => outbox.add(change(index, index + 1, [bar(time, close)])));
        const taken = outbox.take(new Tally());
        expect(taken).toMatchObject({ prev: 0, revision: writes.length });
        const newest = new Map(writes.map(([time, close]) => [time, bar(time, close)]));
        expect(taken?.bars).toEqual([...newest].sort(([left], [right]) => left - right).map(([, each]) => each));
      }),
    );
  });

  it('drops the bars and makes the client ask when too much waits', () => {
    const outbox = started(0);
    for (let index = 0; index < 30; index += 1) {
      outbox.add(
        change(
          index,
          index + 1,
          Array.from({ length: 100 }, (_, at) => bar(1_000 * index + at, 1)),
        ),
      );
    }
    const taken = outbox.take(new Tally());
    expect(taken).toMatchObject({ prev: 30, revision: 30, bars: [] });
  });

  it('shows a gap instead of closing it', () => {
    const outbox = started(3);
    outbox.add(change(5, 6));
    expect(outbox.take(new Tally())).toMatchObject({ prev: 5, revision: 6 });
  });

  it('forgets the old epoch when another begins', () => {
    const outbox = started(8);
    outbox.add(change(8, 9));
    outbox.add(nudge(change(0, 2, [], 'f')));
    expect(outbox.take(new Tally())).toMatchObject({ epoch: 'f', prev: 2, revision: 2, bars: [] });
  });
});
