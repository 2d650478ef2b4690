/** All queues of a process behind one URL: Redis or PostgreSQL, the same to whoever uses them. */
import { Queue, Worker } from 'bullmq';
import { type z } from 'zod';
import { backendFor } from './backend.ts';
import { createDeadline, type Deadline } from './deadline.ts';
import { openJobBook, type JobBook } from './job-book.ts';
import { createProducer, type JobQueue, type Producer } from './producer.ts';
import { JOB_DEFAULTS } from './retention.ts';
import { startSchedule, type Schedule } from './schedule.ts';
import { limitHandler, SandboxWorker, type JobWorker } from './time-limit.ts';
import { processJobs, type JobHandler, type QueueWorker, type WorkerOptions } from './worker.ts';

export interface QueuesOptions {
  /** `redis://…`, `rediss://…` or `postgres://…` */
  url: string;
  /** Troubles of connections; the queues go on by themselves when the server is back. */
  onError(error: Error): void;
  /** Longest time that adding a job or counting may take, in milliseconds. */
  timeoutMs?: number;
  /** Longest time that `close` waits for jobs at work, in milliseconds. */
  closeTimeoutMs?: number;
}

export interface QueueCounts {
  waiting: number;
  active: number;
  delayed: number;
  completed: number;
  failed: number;
}

export interface Queues {
  producer<S extends z.ZodType>(name: string, schema: S): Producer<z.input<S>>;
  /** Adds the job every `everyMs`, once for all replicas that name the same schedule. */
  schedule(name: string, scheduleId: string, everyMs: number, job: unknown): Schedule;
  worker<S extends z.ZodType>(
    name: string,
    schema: S,
    handler: JobHandler<z.output<S>> | { file: URL },
    options?: WorkerOptions,
  ): QueueWorker;
  /** What is in the queue, for people: to read, and to try again what failed. */
  jobs(name: string): JobBook;
  /** @throws {QueueUnavailableError} */
  counts(name: string): Promise<QueueCounts>;
  /**
   * When the job that waits the longest was added, of the thousand that are served next.
   *
   * @returns milliseconds since 1970; null when none waits
   * @throws {QueueUnavailableError}
   */
  oldestWaiting(name: string): Promise<number | null>;
  close(): Promise<void>;
}

const DEFAULT_LOCK_MS = 30_000;
const RETRY_FETCH_MS = 1_000;
const OLDEST_AMONG = 1_000;

/** Returns at once: a server that is away is waited for in the background, and `onError` tells. */
export function connectQueues(options: QueuesOptions): Queues {
  const { url, onError, timeoutMs = 5_000, closeTimeoutMs = 8_000 } = options;
  const backend = backendFor(url);
  // The backend brings its own connection options; BullMQ asks only that some are given.
  const connection = {};
  const queues = new Map<string, { queue: JobQueue; deadline: Deadline }>();
  const workers = new Set<QueueWorker>();
  const schedules = new Set<Schedule>();

  function open(name: string): { queue: JobQueue; deadline: Deadline } {
    const known = queues.get(name);
    if (known) return known;
    const queue: JobQueue = new Queue(name, { connection, defaultJobOptions: JOB_DEFAULTS }, backend);
    queue.on('error', onError);
    const opened = { queue, deadline: createDeadline(name, timeoutMs) };
    queues.set(name, opened);
    return opened;
  }

  function startWorker<S extends z.ZodType>(
    name: string,
    schema: S,
    handler: JobHandler<z.output<S>> | { file: URL },
    workerOptions: WorkerOptions = {},
  ): QueueWorker {
    const { lockMs = DEFAULT_LOCK_MS, maxStalledCount = 5, onCompleted, onFailed, timeoutMs, threads } = workerOptions;
    const settings = {
      connection,
      concurrency: workerOptions.concurrency ?? 1,
      useWorkerThreads: workerOptions.useWorkerThreads ?? false,
      ...(threads === undefined ? {} : { workerThreadsOptions: threads }),
      lockDuration: lockMs,
      stalledInterval: lockMs,
      maxStalledCount,
      runRetryDelay: RETRY_FETCH_MS,
    };
    let worker: JobWorker;
    if (typeof handler === 'function') {
      const processor = processJobs(schema, handler);
      worker = new Worker(
        name,
        timeoutMs === undefined ? processor : limitHandler(processor, timeoutMs),
        settings,
        backend,
      );
    } else {
      const sandboxed = new SandboxWorker(name, handler.file, settings, backend);
      if (timeoutMs !== undefined) sandboxed.timeoutMs = timeoutMs;
      worker = sandboxed;
    }
    worker.on('error', onError);
    worker.on('completed', (job, result) => {
      const durationMs = (job.finishedOn ?? 0) - (job.processedOn ?? 0);
      onCompleted?.({ id: job.id ?? '', result, durationMs });
    });
    worker.on('failed', (job, error) => {
      const attempt = job?.attemptsMade ?? 0;
      onFailed?.({ id: job?.id ?? '', error, attempt, final: job?.finishedOn !== undefined });
    });
    const handle = { close: () => within(worker.close(), closeTimeoutMs, () => worker.disconnect()) };
    workers.add(handle);
    return handle;
  }

  return {
    producer(name, schema) {
      const { queue, deadline } = open(name);
      return createProducer(queue, schema, { deadline });
    },
    schedule(name, scheduleId, everyMs, job) {
      const schedule = startSchedule({ queue: open(name).queue, scheduleId, everyMs, job, onError });
      schedules.add(schedule);
      return schedule;
    },
    worker: startWorker,
    jobs(name) {
      const { queue, deadline } = open(name);
      return openJobBook(queue, deadline);
    },
    async counts(name) {
      const { queue, deadline } = open(name);
      const counts = await deadline.run(() =>
        queue.getJobCounts('wait', 'prioritized', 'active', 'delayed', 'completed', 'failed'),
      );
      const of = (state: string): number => counts[state] ?? 0;
      return {
        waiting: of('wait') + of('waiting') + of('prioritized'),
        active: of('active'),
        delayed: of('delayed'),
        completed: of('completed'),
        failed: of('failed'),
      };
    },
    async oldestWaiting(name) {
      const { queue, deadline } = open(name);
      const jobs = await deadline.run(() => queue.getJobs(['wait', 'prioritized'], 0, OLDEST_AMONG - 1, true));
      // A job may vanish between the list and its reading.
      const times = jobs.filter((job) => job !== undefined && job !== null).map(({ timestamp }) => timestamp);
      return times.length === 0 ? null : Math.min(...times);
    },
    async close() {
      for (const schedule of schedules) schedule.close();
      await Promise.all([...workers].map((worker) => worker.close()));
      await Promise.all(
        [...queues.values()].map(({ queue }) => within(queue.close(), 2_000, () => queue.disconnect())),
      );
    },
  };
}

/** A server that is away must not keep a process from stopping. */
async function within(closing: Promise<void>, timeoutMs: number, giveUp: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      giveUp().catch(() => undefined);
      resolve();
    }, timeoutMs);
  });
  await Promise.race([closing.catch(() => undefined), deadline]);
  clearTimeout(timer);
}
