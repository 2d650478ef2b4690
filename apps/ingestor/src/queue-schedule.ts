/**
 * The beat of several ingestors: every replica plans the polls of each cycle, under ids that name share and cycle, so the
 * queue keeps one of each; whoever is free takes it. Cycles are multiples of the period since 1970, the same for all. A
 * replica that dies leaves its jobs to the others; a poll that is older than its cycle does nothing.
 */
import { POLL_QUEUE, PollJob } from '@tapecast/contracts/jobs';
import { type Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds } from '@tapecast/contracts/units';
import { type Clock } from '@tapecast/ingest/clock';
import { jobId } from '@tapecast/queue/job-id';
import { type Queues } from '@tapecast/queue/queues';
import { type PollSchedule } from './poll-schedule.ts';

export interface QueueScheduleOptions {
  queues: Pick<Queues, 'producer' | 'worker'>;
  periodMs: number;
  clock: Clock;
  tickers(): readonly Ticker[];
  /** Planning failed; it is tried again at the next beat. */
  onAway(error: unknown): void;
  onBack(): void;
}

/** One request to the vendor. */
const TICKERS_PER_SHARE = 200;
/** Shares that one replica polls at a time: while a request is on its way, the next can wait for the budget. */
const CONCURRENCY = 4;

export function createQueueSchedule(options: QueueScheduleOptions): PollSchedule {
  const { queues, periodMs, clock } = options;
  return {
    run: async (poll, signal) => {
      const producer = queues.producer(POLL_QUEUE, PollJob);
      const busy = new Set<Ticker>();
      const worker = queues.worker(
        POLL_QUEUE,
        PollJob,
        async ({ tickers, dueAt }) => {
          if (signal.aborted || clock.now() >= dueAt * 1_000 + periodMs) return;
          // The poll of the cycle before is still on its way: this beat is left out.
          if (tickers.some((ticker) => busy.has(ticker))) return;
          for (const ticker of tickers) busy.add(ticker);
          await poll(tickers).finally(() => {
            for (const ticker of tickers) busy.delete(ticker);
          });
        },
        // Short, so that a dead replica's polls are done by others within the cycle.
        { concurrency: CONCURRENCY, lockMs: Math.min(30_000, Math.max(2_000, periodMs / 3)) },
      );
      let away = false;
      try {
        for (let cycle = Math.floor(clock.now() / periodMs); !signal.aborted;) {
          const dueAt = unixSeconds((cycle * periodMs) / 1_000);
          try {
            await Promise.all(
              sharesOf(options.tickers(), cycle).map(({ tickers, share }) =>
                producer.add({ tickers: [...tickers], dueAt }, { jobId: jobId('poll', dueAt, share) }),
              ),
            );
            if (away) options.onBack();
            away = false;
          } catch (error) {
            if (!away) options.onAway(error);
            away = true;
          }
          cycle = Math.max(cycle, Math.floor(clock.now() / periodMs)) + 1;
          await clock.sleep(Math.max(0, cycle * periodMs - clock.now()), signal).catch((error: unknown) => {
            if (!signal.aborted) throw error;
          });
        }
      } finally {
        await worker.close();
      }
    },
  };
}

/**
 * Tickers in shares of at most one request each, the same for everyone who knows the same tickers. Each cycle begins with
 * another share: where the budget does not suffice for all, it is not always the same ones that go short.
 */
export function sharesOf(tickers: readonly Ticker[], cycle: number): { share: number; tickers: readonly Ticker[] }[] {
  const sorted = tickers.toSorted();
  const count = Math.ceil(sorted.length / TICKERS_PER_SHARE);
  const size = Math.ceil(sorted.length / Math.max(1, count));
  return Array.from({ length: count }, (_, place) => {
    const share = (place + cycle) % count;
    return { share, tickers: sorted.slice(share * size, (share + 1) * size) };
  }).filter((part) => part.tickers.length > 0);
}
