/** Jobs that take longer than they may fail, with that as their reason; the queue tries them again like any other. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { Worker, type Child, type ChildPool, type IQueueBackend, type JobProgress, type Processor } from 'bullmq';
import { JobTimeoutError } from './errors.ts';

export type JobWorker = Worker<unknown, unknown, string, IQueueBackend, JobProgress, unknown>;
type JobProcessor = Processor<unknown, unknown, string>;

/** The handler is told by its signal, and its job fails whether it listens or not. */
export function limitHandler(processor: JobProcessor, timeoutMs: number): JobProcessor {
  // Three declared parameters: the queue looks at their number to see whether to pass a signal.
  return async (job, token, signal) => {
    const late = new AbortController();
    const both = signal === undefined ? late.signal : AbortSignal.any([signal, late.signal]);
    return within(timeoutMs, processor(job, token, both), (error) => late.abort(error));
  };
}

/**
 * Threads that are at work cannot hear a signal: whoever is late loses its thread, and the next job gets a new one.
 * BullMQ itself knows no time limit.
 */
export class SandboxWorker extends Worker<unknown, unknown, string, IQueueBackend, JobProgress, unknown> {
  timeoutMs = Number.POSITIVE_INFINITY;

  protected override createSandbox(file: string): void {
    super.createSandbox(file);
    const pool: ChildPool = this['childPool'];
    const [run, retain] = [this.processFn, pool.retain.bind(pool)];
    // The pool does not say which job it lends a thread to; the job's own asynchronous context does.
    const seats = new AsyncLocalStorage<{ child?: Child; late: boolean }>();
    pool.retain = async (path) => {
      const child = await retain(path);
      const seat = seats.getStore();
      if (seat !== undefined) seat.child = child;
      if (seat?.late) void pool.kill(child);
      return child;
    };
    this.processFn = (job, token, signal) => {
      const seat: { child?: Child; late: boolean } = { late: false };
      const end = (): void => {
        seat.late = true;
        if (seat.child !== undefined) void pool.kill(seat.child);
      };
      return within(
        this.timeoutMs,
        seats.run(seat, () => run(job, token, signal)),
        end,
      );
    };
  }
}

async function within<T>(timeoutMs: number, work: Promise<T>, end: (error: JobTimeoutError) => void): Promise<T> {
  if (!Number.isFinite(timeoutMs)) return work;
  work.catch(() => undefined); // after the limit nobody else listens
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      const error = new JobTimeoutError(timeoutMs);
      reject(error);
      end(error);
    }, timeoutMs);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
