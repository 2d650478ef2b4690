/** The end of a queue where jobs come out. */
import { UnrecoverableError, type Job } from 'bullmq';
import { type z } from 'zod';
import { PermanentJobError } from './errors.ts';

export interface JobContext {
  id: string;
  /** 1 at the first attempt. */
  attempt: number;
  /** Aborted when the job is cancelled, or takes too long. */
  signal: AbortSignal;
  /**
   * Leaves word of how far the job is, for whoever looks at the queue: a share of 1, or more in words.
   * Costs a trip to the server. A queue that cannot be reached is no reason to fail: the word is lost then.
   */
  progress(value: number | object): Promise<void>;
}

/** Must be idempotent: after a crash, or when a lock lapses, the queue runs a job again. */
export type JobHandler<T> = (job: T, context: JobContext) => Promise<unknown>;

export interface JobCompletion {
  id: string;
  result: unknown;
  durationMs: number;
}

export interface JobFailure {
  id: string;
  error: Error;
  attempt: number;
  /** True when the job will not be tried again. */
  final: boolean;
}

export interface WorkerOptions {
  /** Jobs at a time. */
  concurrency?: number;
  /** Runs the file in worker threads, so that CPU work cannot hold up the renewal of locks. Files only. */
  useWorkerThreads?: boolean;
  /** For worker threads: what they find as `workerData` and in their environment. */
  threads?: { env?: Record<string, string | undefined>; workerData?: unknown };
  /** A job whose worker died runs again after at most twice this time. */
  lockMs?: number;
  /** A job that takes longer fails with `JobTimeoutError` and is tried again; a thread is ended for it. Default: no limit. */
  timeoutMs?: number;
  /** How often a job may lose its worker before it counts as the killer. */
  maxStalledCount?: number;
  onCompleted?(completion: JobCompletion): void;
  onFailed?(failure: JobFailure): void;
}

export interface QueueWorker {
  /** Takes no more jobs and waits for those at work. */
  close(): Promise<void>;
}

/**
 * Wraps a handler for the queue: the payload is validated, and what can never succeed is not tried again.
 * A file for `worker(name, schema, { file })` exports `default processJobs(schema, handler)`.
 */
export function processJobs<S extends z.ZodType>(schema: S, handler: JobHandler<z.output<S>>) {
  // Three declared parameters: the queue looks at their number to see whether to pass a signal.
  return async (job: Job, _token: string | undefined, signal: AbortSignal | undefined): Promise<unknown> => {
    const parsed = schema.safeParse(job.data);
    if (!parsed.success)
      throw new UnrecoverableError(`The payload does not match its schema:\n${parsed.error.message}`);
    try {
      const result = await handler(parsed.data, {
        id: job.id ?? '',
        attempt: job.attemptsMade + 1,
        signal: signal ?? new AbortController().signal,
        progress: (value) => job.updateProgress(value).catch(() => undefined),
      });
      return result ?? null;
    } catch (error) {
      if (error instanceof PermanentJobError) throw permanent(error);
      throw error;
    }
  };
}

function permanent(error: PermanentJobError): UnrecoverableError {
  const unrecoverable = new UnrecoverableError(error.message);
  unrecoverable.cause = error;
  return unrecoverable;
}
