/** Entry point of the thread that works on runs of the lab: the service's own thread stays free to renew locks. */
import { workerData } from 'node:worker_threads';
import { LabJob } from '@tapecast/contracts/jobs';
import { openDatabase, type Database } from '@tapecast/db/database';
import { processJobs } from '@tapecast/queue/worker';
import { ThreadData } from '../forecast-job.ts';
import { workOnRun } from './work-on-run.ts';

let database: Database | undefined;

function ownDatabase(): Database {
  const { databaseUrl } = ThreadData.parse(workerData);
  database ??= openDatabase({ url: databaseUrl, applicationName: 'tapecast lab job', maxConnections: 1 });
  return database;
}

export default processJobs(LabJob, ({ run }) => workOnRun(ownDatabase(), run));
