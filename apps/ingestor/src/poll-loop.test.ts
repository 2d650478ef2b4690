import { Ticker } from '@tapecast/contracts/ticker';
import { type Clock } from '@tapecast/ingest/clock';
import { type PriceSource } from '@tapecast/ingest/sources/source';
import { type Poll } from '@tapecast/ingest/write';
import { describe, expect, it } from 'vitest';
import { runPollLoop } from './poll-loop.ts';
import { createTimerSchedule } from './poll-schedule.ts';

const MSFT = Ticker.parse('MSFT');

/** A source whose answers take the given milliseconds of a clock that only moves by waiting. */
function scene(durations: readonly number[], fails: readonly number[] = []) {
  let now = 1_000_000;
  const stop = new AbortController();
  const started: number[] = [];
  const polls: Poll[] = [];
  const clock: Clock = {
    now: () => now,
    sleep: async (milliseconds) => {
      now += milliseconds;
    },
  };
  const source: PriceSource = {
    name: 'yahoo',
    quotes: async () => {
      const turn = started.push(now - 1_000_000) - 1;
      now += durations[turn] ?? 0;
      if (turn === durations.length) stop.abort();
      if (fails.includes(turn)) throw new Error('429');
      return { quotes: [], rejected: [] };
    },
    earliest: () => null,
    bars: async function* () {},
  };
  const run = () =>
    runPollLoop(
      {
        source,
        schedule: createTimerSchedule({ periodMs: 1_000, clock }),
        clock,
        tickers: () => [MSFT],
        onPoll: (poll) => polls.push(poll),
      },
      stop.signal,
    );
  return { run, started, polls };
}

describe('poll loop', () => {
  it('keeps its beat without drift however long a poll takes', async () => {
    const { run, started } = scene([10, 400, 999, 3, 250]);
    await run();
    expect(started).toEqual([0, 1_000, 2_000, 3_000, 4_000, 5_000]);
  });

  it('leaves out the beats that a slow poll ran over, and never polls twice at once', async () => {
    const { run, started } = scene([10, 2_300, 10]);
    await run();
    expect(started).toEqual([0, 1_000, 4_000, 5_000]);
  });

  it('reports a fault as a poll and goes on', async () => {
    const { run, polls } = scene([1, 1, 1], [1]);
    await run();
    expect(polls.map((poll) => ('error' in poll ? poll.error : 'ok'))).toEqual(['ok', '429', 'ok']);
  });
});
