/**
 * The vendor's request budget: a token bucket that every HTTP request passes, so that polls and backfill together stay
 * below it. Polls go first: a backfill of a thousand series must not make the dashboards stale.
 */
import { systemClock, type Clock } from '../clock.ts';

export type Lane = 'poll' | 'backfill';

export interface RequestBudgetOptions {
  perSecond: number;
  /** Requests that may go out at once after a rest. */
  burst: number;
  clock?: Clock;
}

export interface RequestBudget {
  /** Resolves when a request may be sent; rejects with the signal's reason when that is aborted first. */
  take(lane: Lane, signal: AbortSignal): Promise<void>;
}

export function createRequestBudget({ perSecond, burst, clock = systemClock }: RequestBudgetOptions): RequestBudget {
  const waiting: Record<Lane, Set<() => void>> = { poll: new Set(), backfill: new Set() };
  let tokens = burst;
  let filledAt = clock.now();
  let sleeping = false;

  const refill = () => {
    const now = clock.now();
    tokens = Math.min(burst, tokens + (Math.max(0, now - filledAt) / 1_000) * perSecond);
    filledAt = now;
  };
  const next = () => waiting.poll.values().next().value ?? waiting.backfill.values().next().value;
  const hand = () => {
    refill();
    // A hair of tolerance: 0.1 s × 10/s may come out as 0.9999…
    for (let go = next(); go !== undefined && tokens >= 1 - 1e-9; go = next()) {
      tokens -= 1;
      go();
    }
    if (sleeping || next() === undefined) return;
    sleeping = true;
    const milliseconds = Math.max(1, Math.ceil(((1 - tokens) / perSecond) * 1_000));
    void clock.sleep(milliseconds).then(() => {
      sleeping = false;
      hand();
    });
  };

  return {
    take: (lane, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const leave = () => {
          waiting[lane].delete(go);
          signal.removeEventListener('abort', refuse);
        };
        const go = () => {
          leave();
          resolve();
        };
        const refuse = () => {
          leave();
          reject(signal.reason);
        };
        signal.addEventListener('abort', refuse, { once: true });
        waiting[lane].add(go);
        hand();
      }),
  };
}
