/** The end of a queue where jobs go in. */
import { type IQueueBackend, type Queue } from 'bullmq';
import { type z } from 'zod';
import { type Deadline } from './deadline.ts';
import { InvalidJobError } from './errors.ts';
import { assertJobId } from './job-id.ts';
import { retryAnew } from './retention.ts';

export type JobQueue = Queue<unknown, unknown, string, unknown, unknown, string, IQueueBackend, unknown>;

export interface AddOptions {
  /** Names the work: a job whose id the queue still remembers is not added again. Build it with `jobId()`. */
  jobId: string;
  /** 1 is served first; without one a job goes before all that have one. */
  priority?: number;
  /** A job of this id that waits with a lower priority gets this one. Costs a trip to the server. */
  raise?: boolean;
  /** Milliseconds to wait before the job may run. */
  delay?: number;
  /** A job of this id that failed for good at least so many milliseconds ago is tried again. */
  reviveAfterMs?: number;
}

export interface Producer<T> {
  /**
   * Adds the job unless one with this id is known already.
   * @throws {InvalidJobError | InvalidJobIdError} when the caller is wrong
   * @throws {QueueUnavailableError} when the server is away; the job may or may not have arrived: add it again later
   */
  add(job: T, options: AddOptions): Promise<void>;
}

export function createProducer<S extends z.ZodType>(
  queue: JobQueue,
  schema: S,
  options: { deadline: Deadline; now?: () => number },
): Producer<z.input<S>> {
  const { deadline, now = Date.now } = options;

  async function add(job: z.input<S>, { jobId, priority, raise, delay, reviveAfterMs }: AddOptions): Promise<void> {
    assertJobId(jobId);
    const parsed = schema.safeParse(job);
    if (!parsed.success) throw new InvalidJobError(queue.name, parsed.error.message);
    await deadline.run(async () => {
      await queue.add(queue.name, parsed.data, {
        jobId,
        ...(priority === undefined ? {} : { priority }),
        ...(delay === undefined ? {} : { delay }),
      });
      if (reviveAfterMs === undefined && !raise) return;
      const known = await queue.getJob(jobId);
      if (known === undefined) return;
      if (raise && known.finishedOn === undefined && priority !== undefined && known.priority > priority) {
        // A worker may be quicker: then there is nothing left to raise.
        await known.changePriority({ priority }).catch(() => undefined);
      }
      if (reviveAfterMs !== undefined && known.finishedOn && now() - known.finishedOn >= reviveAfterMs) {
        if (await known.isFailed()) await retryAnew(known);
      }
    });
  }

  return { add };
}
