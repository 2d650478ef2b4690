/** A queue's jobs as people look at them: what waits, what failed and why, and how to try it again. */
import { type Job } from 'bullmq';
import { type Deadline } from './deadline.ts';
import { type JobQueue } from './producer.ts';
import { retryAnew } from './retention.ts';

export const JOB_STATES = ['waiting', 'active', 'delayed', 'completed', 'failed'] as const;
export type JobState = (typeof JOB_STATES)[number];

export interface JobSummary {
  id: string;
  state: JobState;
  /** How often it was begun. */
  attempts: number;
  /** 1 is served first; null: none, which goes before all others. */
  priority: number | null;
  /** What the job said of itself last. */
  progress: unknown;
  /** Milliseconds since 1970. */
  addedAt: number;
  finishedAt: number | null;
  /** Why its last attempt failed. */
  reason: string | null;
  data: unknown;
}

export interface JobBook {
  /**
   * @param limit of each state; newest first
   * @throws {QueueUnavailableError}
   */
  list(states: readonly JobState[], limit: number): Promise<JobSummary[]>;
  /**
   * Tries a job that failed for good again, with all its attempts.
   *
   * @returns false when there is no such job, or it has not failed
   * @throws {QueueUnavailableError}
   */
  retry(id: string): Promise<boolean>;
}

type AnyJob = Job<unknown, unknown>;

/** The queue tells those that wait with a priority apart from those that wait without. */
const KINDS = {
  waiting: ['wait', 'prioritized'],
  active: ['active'],
  delayed: ['delayed'],
  completed: ['completed'],
  failed: ['failed'],
} as const;

export function openJobBook(queue: JobQueue, deadline: Deadline): JobBook {
  async function ofState(state: JobState, limit: number): Promise<JobSummary[]> {
    const jobs = await queue.getJobs([...KINDS[state]], 0, limit - 1);
    // A job may vanish between the list and its reading.
    return jobs.filter((job) => job !== undefined && job !== null).map((job) => summaryOf(job, state));
  }

  return {
    list: (states, limit) =>
      deadline.run(async () => (await Promise.all(states.map((state) => ofState(state, limit)))).flat()),
    retry: (id) =>
      deadline.run(async () => {
        const job = await queue.getJob(id);
        if (job === undefined || !(await job.isFailed())) return false;
        await retryAnew(job);
        return true;
      }),
  };
}

function summaryOf(job: AnyJob, state: JobState): JobSummary {
  return {
    id: job.id ?? '',
    state,
    attempts: job.attemptsStarted,
    priority: job.priority === 0 ? null : job.priority,
    progress: job.progress === 0 ? null : job.progress,
    addedAt: job.timestamp,
    finishedAt: job.finishedOn ?? null,
    reason: job.failedReason ?? null,
    data: job.data,
  };
}
