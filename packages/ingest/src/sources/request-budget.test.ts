import { describe, expect, it } from 'vitest';
import type { Clock } from '../clock.ts';
import { createRequestBudget, type Lane } from './request-budget.ts';

const never = new AbortController().signal;

/** A clock that stands still until it is told to move; sleepers wake in order. */
function manualClock() {
  let now = 0;
  const sleepers: { at: number; wake: () => void }[] = [];
  const clock: Clock = {
    now: () => now,
    sleep: (milliseconds) => new Promise((wake) => sleepers.push({ at: now + milliseconds, wake })),
  };
  const advance = async (milliseconds: number) => {
    const until = now + milliseconds;
    await new Promise((resolve) => setImmediate(resolve));
    for (;;) {
      const next = sleepers.sort((a, b) => a.at - b.at)[0];
      if (next === undefined || next.at > until) break;
      sleepers.shift();
      now = next.at;
      next.wake();
      await new Promise((resolve) => setImmediate(resolve));
    }
    now = until;
  };
  return { clock, advance };
}

describe('request budget', () => {
  it('lets a burst go and then one request per interval', async () => {
    const { clock, advance } = manualClock();
    const budget = createRequestBudget({ perSecond: 10, burst: 3, clock });
    const sent: number[] = [];
    for (let request = 0; request < 8; request += 1) {
      void budget.take('poll', never).then(() => sent.push(clock.now()));
    }
    await advance(10_000);
    expect(sent).toEqual([0, 0, 0, 100, 200, 300, 400, 500]);
  });

  it('never exceeds the budget in any second after a rest', async () => {
    const { clock, advance } = manualClock();
    const budget = createRequestBudget({ perSecond: 5, burst: 5, clock });
    const sent: number[] = [];
    for (let round = 0; round < 4; round += 1) {
      for (let request = 0; request < 12; request += 1) {
        void budget.take('backfill', never).then(() => sent.push(clock.now()));
      }
      await advance(3_700);
    }
    expect(sent).toHaveLength(48);
    for (const start of sent) {
      expect(sent.filter((time) => time >= start && time < start + 1_000).length).toBeLessThanOrEqual(10);
    }
  });

  it('serves polls before a waiting backfill', async () => {
    const { clock, advance } = manualClock();
    const budget = createRequestBudget({ perSecond: 1, burst: 1, clock });
    const order: Lane[] = [];
    const take = (lane: Lane) => void budget.take(lane, never).then(() => order.push(lane));
    for (const lane of ['backfill', 'backfill', 'backfill', 'poll', 'poll'] as const) take(lane);
    await advance(10_000);
    expect(order).toEqual(['backfill', 'poll', 'poll', 'backfill', 'backfill']);
  });

  it('lets go of a request that is no longer wanted without spending on it', async () => {
    const { clock, advance } = manualClock();
    const budget = createRequestBudget({ perSecond: 1, burst: 1, clock });
    await budget.take('poll', never);
    const stopping = new AbortController();
    const given = budget.take('poll', stopping.signal);
    let served = false;
    void budget.take('poll', never).then(() => (served = true));
    stopping.abort(new Error('stop'));
    await expect(given).rejects.toThrow('stop');
    await advance(1_000);
    expect(served).toBe(true);
  });
});
