/** Entry point of the worker threads: numbers are crunched here, so that the service's own thread can renew locks. */
import { workerData } from 'node:worker_threads';
import { ForecastJob } from '@tapecast/contracts/jobs';
import { openDatabase, type Database } from '@tapecast/db/database';
import { processJobs } from '@tapecast/queue/worker';
import { z } from 'zod';
import { makeForecast } from './make-forecast.ts';

export const ThreadData = z.object({ databaseUrl: z.string() });
export type ThreadData = z.infer<typeof ThreadData>;

let database: Database | undefined;

/** Opened by a thread's first job and closed with the thread. */
function ownDatabase(): Database {
  const { databaseUrl } = ThreadData.parse(workerData);
  database ??= openDatabase({ url: databaseUrl, applicationName: 'tapecast forecaster job', maxConnections: 1 });
  return database;
}

export default processJobs(ForecastJob, (job, { progress }) => makeForecast(ownDatabase(), job, { progress }));
