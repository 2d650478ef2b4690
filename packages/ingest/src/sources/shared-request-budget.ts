/**
 * One request budget for all ingestors: each request asks a token bucket that they share. Within this process polls go
 * first; between processes a backfill leaves one request in the bucket for somebody's poll.
 */
import { systemClock, type Clock } from '../clock.ts';
import { type Lane, type RequestBudget } from './request-budget.ts';

export interface SharedBudgetOptions {
  /** Takes one request: 0 when it may go out now, else the milliseconds to wait before asking again. */
  ask(lane: Lane): Promise<number>;
  /** Takes over while the shared bucket cannot be asked. */
  fallback: RequestBudget;
  clock?: Clock;
}

interface Waiter {
  go(): void;
}

export function createSharedRequestBudget({ ask, fallback, clock = systemClock }: SharedBudgetOptions): RequestBudget {
  const waiting: Record<Lane, Set<Waiter>> = { poll: new Set(), backfill: new Set() };
  const never = new AbortController().signal;
  let handing = false;
  let sleeping: AbortController | undefined;

  const nextLane = (): Lane | undefined =>
    waiting.poll.size > 0 ? 'poll' : waiting.backfill.size > 0 ? 'backfill' : undefined;

  async function handOut(): Promise<void> {
    handing = true;
    for (let lane = nextLane(); lane !== undefined; lane = nextLane()) {
      const wait = await ask(lane).catch(() => fallback.take(lane, never).then(() => 0));
      if (wait > 0) await sleepUnlessPoll(wait, lane);
      else waiting[nextLane() ?? lane].values().next().value?.go();
    }
    handing = false;
  }

  /** A poll that comes while a backfill waits for its turn may go at once. */
  async function sleepUnlessPoll(milliseconds: number, lane: Lane): Promise<void> {
    const woken = new AbortController();
    if (lane === 'backfill') sleeping = woken;
    await clock.sleep(milliseconds, woken.signal).catch(() => undefined);
    sleeping = undefined;
  }

  return {
    take: (lane, signal) =>
      new Promise((resolve, reject) => {
        if (signal.aborted) return reject(signal.reason);
        const leave = () => {
          waiting[lane].delete(waiter);
          signal.removeEventListener('abort', refuse);
        };
        const waiter: Waiter = {
          go: () => {
            leave();
            resolve();
          },
        };
        const refuse = () => {
          leave();
          reject(signal.reason);
        };
        signal.addEventListener('abort', refuse, { once: true });
        waiting[lane].add(waiter);
        if (!handing) void handOut();
        else if (lane === 'poll') sleeping?.abort(new Error('a poll came'));
      }),
  };
}
