/** What can go wrong between a producer, the queue and a worker. */

/** The job can never succeed: the worker fails it at once, without further attempts. */
export class PermanentJobError extends Error {
  override readonly name = 'PermanentJobError';
}

/** The queue's server did not answer in time. Nothing is lost: plan the same job again later, under the same id. */
export class QueueUnavailableError extends Error {
  override readonly name = 'QueueUnavailableError';

  constructor(queue: string, afterMs: number) {
    super(`The queue "${queue}" did not answer within ${afterMs} ms; check that the server behind QUEUE_URL is up`);
  }
}

/** The payload does not match the queue's schema. */
export class InvalidJobError extends Error {
  override readonly name = 'InvalidJobError';

  constructor(queue: string, reason: string) {
    super(`A job for the queue "${queue}" does not match its schema:\n${reason}`);
  }
}

export class InvalidJobIdError extends Error {
  override readonly name = 'InvalidJobIdError';

  constructor(id: string) {
    super(`"${id}" cannot be a job id: it may be no bare integer and hold no colon; build it with jobId()`);
  }
}

/** The job took longer than its queue allows. It is tried again, since the machine may just have been busy. */
export class JobTimeoutError extends Error {
  override readonly name = 'JobTimeoutError';

  constructor(afterMs: number) {
    super(`The job took longer than the ${afterMs / 1_000} s that its queue allows`);
  }
}
