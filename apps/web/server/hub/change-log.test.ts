import type { Bar } from '@tapecast/contracts/bar';
import type { BarsChange } from '@tapecast/contracts/socket';
import type { Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds, type Epoch, type Revision } from '@tapecast/contracts/units';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChangeLog, NOTHING_HELD } from './change-log.ts';

const bar = (time: number, close: number): Bar => [unixSeconds(time), close, close, close, close, null];
const head = (revision: number, epoch = 'e') => ({
  epoch: epoch as Epoch,
  ticker: 'MSFT' as Ticker,
  resolution: '1m' as const,
  revision: revision as Revision,
});
const change = (prev: number, revision: number, bars: Bar[] = [bar(1, revision)]): BarsChange => ({
  ...head(revision),
  prev: prev as Revision,
  bars,
});

/** What a client that holds everything up to `held` has of these bars. */
function stateAfter(changes: readonly BarsChange[], held: number): Map<number, Bar> {
  const told = changes.filter(({ revision }) => revision <= held).flatMap(({ bars }) => bars);
  return new Map(told.map((each) => [each[0], each]));
}

describe('ChangeLog', () => {
  it('hands a single change on as it is, to be encoded once for all', () => {
    const log = new ChangeLog(head(4));
    const only = change(4, 5);
    log.add(only);
    expect(log.since(4)).toBe(only);
  });

  it('leads whoever holds any revision to the newest state of every bar', () => {
    const writes = fc.array(fc.tuple(fc.nat(30), fc.nat(9), fc.integer({ min: 1, max: 3 })), {
      minLength: 1,
      maxLength: 400,
    });
    fc.assert(
      fc.property(writes, fc.nat(1_200), (written, asked) => {
        const log = new ChangeLog(head(0));
        const changes: BarsChange[] = [];
        for (const [time, close, span] of written) {
          const prev = changes.at(-1)?.revision ?? 0;
          changes.push(change(prev, prev + span, [bar(time, close)]));
        }
        for (const each of changes) log.add(each);
        const newest = changes.at(-1)?.revision ?? 0;
        const held = asked % newest;
        const due = log.since(held);
        expect(due.revision).toBe(newest);
        expect(due.prev).toBeLessThanOrEqual(held);
        const state = stateAfter(changes, held);
        for (const each of due.bars) state.set(each[0], each);
        expect(state).toEqual(stateAfter(changes, newest));
        expect(due.bars.map(([time]) => time)).toEqual(
          [...new Set(due.bars.map(([time]) => time))].sort((a, b) => a - b),
        );
      }),
    );
  });

  it('sends at most about twice what is missed, and the same to all who miss the same', () => {
    const log = new ChangeLog(head(0));
    for (let revision = 1; revision <= 1_000; revision += 1) {
      log.add(change(revision - 1, revision, [bar(revision, 1)]));
    }
    for (const missed of [1, 10, 100, 500]) {
      expect(log.since(1_000 - missed).bars.length).toBeLessThanOrEqual(2 * missed + 1);
      expect(log.since(1_000 - missed)).toBe(log.since(1_000 - missed));
    }
  });

  it('makes a client ask that is further behind than the bars that are kept', () => {
    const log = new ChangeLog(head(0));
    const hundred = (from: number) => Array.from({ length: 100 }, (_, index) => bar(from + index, 1));
    for (let index = 0; index < 60; index += 1) log.add(change(index, index + 1, hundred(1_000 * index)));
    expect(log.since(0)).toMatchObject({ prev: 60, revision: 60, bars: [] });
    expect(log.since(58)).toMatchObject({ prev: 58, revision: 60 });
  });

  it('forgets what is old, and makes a client ask that still misses it', () => {
    const log = new ChangeLog(head(0));
    const pushed = (revision: number) => ({ ...change(revision - 1, revision), pushedAt: revision });
    const last = pushed(100);
    // Merged in pairs of pairs meanwhile: what is merged is as old as its newest.
    for (let revision = 1; revision < 100; revision += 1) log.add(pushed(revision));
    log.add(last);
    log.forget(50);
    expect(log.since(0)).toMatchObject({ prev: 100, revision: 100, bars: [] });
    expect(log.since(60)).toMatchObject({ revision: 100, bars: [bar(1, 100)] });
    log.forget(100);
    expect(log.since(99)).toBe(last);
    log.forget(101);
    expect(log.since(99)).toMatchObject({ prev: 100, revision: 100, bars: [] });
    const next = pushed(101);
    log.add(next);
    expect(log.since(100)).toBe(next);
  });

  it('makes everyone ask after a new beginning, and goes on from there', () => {
    const log = new ChangeLog(head(0));
    log.add(change(0, 9));
    log.restart(head(2, 'f'));
    expect(log.since(NOTHING_HELD)).toMatchObject({ epoch: 'f', prev: 2, revision: 2, bars: [] });
    const next = { ...change(2, 3), epoch: 'f' as Epoch };
    log.add(next);
    expect(log.since(2)).toBe(next);
    expect(log.since(1)).toMatchObject({ epoch: 'f', prev: 3, revision: 3, bars: [] });
  });
});
