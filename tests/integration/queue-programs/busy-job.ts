/** A job that keeps its thread busy, for workers with `{ file }`. */
import { threadId, workerData } from 'node:worker_threads';
import { PermanentJobError } from '@tapecast/queue/errors';
import { processJobs } from '@tapecast/queue/worker';
import { z } from 'zod';

const BusyJob = z.object({ busyMs: z.number(), fail: z.boolean().optional() });

export default processJobs(BusyJob, async ({ busyMs, fail }) => {
  if (fail) throw new PermanentJobError('told to fail');
  const until = Date.now() + busyMs;
  while (Date.now() < until);
  return { threadId, workerData };
});
