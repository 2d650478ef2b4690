/**
 * Jobs that recur. The queue chains one occurrence to the next and loses the chain when its server loses its memory, or
 * goes away at the wrong moment; so whoever wants a schedule keeps saying so.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type JobQueue } from './producer.ts';

export interface Schedule {
  /** Stops asserting the schedule. It goes on in the queue for the other replicas. */
  close(): void;
}

const ASSERT_EVERY_MS = 30_000;
const RETRY_MS = 2_000;

export function startSchedule(options: {
  queue: JobQueue;
  scheduleId: string;
  everyMs: number;
  job: unknown;
  onError(error: Error): void;
}): Schedule {
  const { queue, scheduleId, everyMs, job, onError } = options;
  const stopping = new AbortController();
  const { signal } = stopping;

  async function keepAsserting(): Promise<void> {
    while (!signal.aborted) {
      let pause = ASSERT_EVERY_MS;
      try {
        await queue.upsertJobScheduler(scheduleId, { every: everyMs }, { name: queue.name, data: job });
      } catch (error) {
        onError(error instanceof Error ? error : new Error(String(error)));
        pause = RETRY_MS;
      }
      await sleep(pause, undefined, { signal, ref: false }).catch(() => undefined);
    }
  }
  void keepAsserting();
  return { close: () => stopping.abort() };
}
