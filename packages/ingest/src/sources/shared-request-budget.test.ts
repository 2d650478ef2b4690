import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { createRequestBudget, type Lane } from './request-budget.ts';
import { createSharedRequestBudget } from './shared-request-budget.ts';

const never = new AbortController().signal;
const generous = createRequestBudget({ perSecond: 1_000, burst: 1_000 });

describe('shared request budget', () => {
  it('hands out what the shared bucket grants, polls first', async () => {
    const asked: Lane[] = [];
    const sent: Lane[] = [];
    let refusals = 2;
    const ask = async (lane: Lane) => {
      asked.push(lane);
      return refusals-- > 0 ? 1 : 0;
    };
    const budget = createSharedRequestBudget({ ask, fallback: generous });
    const lanes: Lane[] = ['backfill', 'backfill', 'poll'];
    await Promise.all(lanes.map((lane) => budget.take(lane, never).then(() => sent.push(lane))));
    expect(sent).toEqual(['poll', 'backfill', 'backfill']);
    expect(asked).toHaveLength(5);
  });

  it('lets a poll pass a backfill that waits for its turn', async () => {
    const ask = async (lane: Lane) => (lane === 'poll' ? 0 : 60_000);
    const budget = createSharedRequestBudget({ ask, fallback: generous });
    const stopping = new AbortController();
    const backfill = budget.take('backfill', stopping.signal);
    await turn();
    await budget.take('poll', never);
    stopping.abort(new Error('stop'));
    await expect(backfill).rejects.toThrow('stop');
  });

  it('goes on with its fallback while the bucket cannot be asked', async () => {
    const ask = () => Promise.reject(new Error('the database is away'));
    const granted: Lane[] = [];
    const fallback = { take: async (lane: Lane) => void granted.push(lane) };
    const budget = createSharedRequestBudget({ ask, fallback });
    await budget.take('poll', never);
    expect(granted).toEqual(['poll']);
  });
});
