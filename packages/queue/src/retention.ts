import { type Job } from 'bullmq';

/**
 * How often a job is tried and how long it is remembered. A job that is remembered is not added again under the same
 * id, so completed ones stay for as long as anyone could still plan them; failed ones stay, with their reasons, to be read.
 */
export const JOB_DEFAULTS = {
  attempts: 6,
  backoff: { type: 'exponential', delay: 1_000, jitter: 0.5 },
  removeOnComplete: { age: 3_600, count: 5_000 },
  removeOnFail: { age: 7 * 86_400, count: 1_000 },
  stackTraceLimit: 20,
} as const;

/** As if it had never been tried: its attempts are counted from the first again. */
export function retryAnew(job: Job<unknown, unknown>): Promise<void> {
  return job.retry('failed', { resetAttemptsMade: true, resetAttemptsStarted: true });
}
