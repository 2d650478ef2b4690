/** Entry point of the thread that makes forecasts of the past. It reads bars up to the job's moment, as a live job does. */
import { workerData } from 'node:worker_threads';
import { ForecastJob } from '@tapecast/contracts/jobs';
import { openDatabase, type Database } from '@tapecast/db/database';
import { processJobs } from '@tapecast/queue/worker';
import { ThreadData } from './forecast-job.ts';
import { makeForecast } from './make-forecast.ts';

let database: Database | undefined;

function ownDatabase(): Database {
  const { databaseUrl } = ThreadData.parse(workerData);
  database ??= openDatabase({ url: databaseUrl, applicationName: 'tapecast backtest job', maxConnections: 1 });
  return database;
}

export default processJobs(ForecastJob, (job) => makeForecast(ownDatabase(), job, { kind: 'backtest' }));
