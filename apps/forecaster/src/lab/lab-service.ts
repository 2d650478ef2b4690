/**
 * The lab's part of the forecaster: every open row of lab_runs becomes a job, and jobs are worked on in a thread. A hint makes a
 * run begin at once; a sweep finds those that no hint told of, and those whose job was lost with its queue. Old runs are forgotten.
 */
import { LAB_QUEUE, LabJob } from '@tapecast/contracts/jobs';
import { LabHint } from '@tapecast/contracts/notify';
import { type Database } from '@tapecast/db/database';
import { readEpoch } from '@tapecast/db/epoch';
import { failLabRun, listOpenLabRuns, pruneLabRuns } from '@tapecast/db/lab-runs';
import { jobId } from '@tapecast/queue/job-id';
import { type Queues } from '@tapecast/queue/queues';
import { type Logger } from '@tapecast/runtime/logger';
import { createQuietTimer } from '../quiet-timer.ts';
import { type ThreadData } from '../forecast-job.ts';
import { LabJobResult } from './work-on-run.ts';

export interface LabService {
  /** A payload of LAB_CHANNEL, unparsed. */
  hint(payload: unknown): void;
  /** Looks for open runs as soon as possible. */
  sweep(): void;
  /** Ends when the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

const SWEEP_MS = 10_000;
const RETRY_MS = 2_000;
const PRUNE_MS = 3_600_000;
/** A run of a forecaster that died is taken over after at most twice this. */
const LOCK_MS = 5_000;
/** A job that failed for good is tried again while its row is still open: that is so only when the database was away. */
const REVIVE_AFTER_MS = 30_000;

export function startLab(options: {
  db: Database;
  queues: Queues;
  threadData: ThreadData;
  /** Days; 0 keeps all runs. */
  keepDays: number;
  logger: Logger;
  onError(error: unknown): void;
}): LabService {
  const { db, queues, logger, keepDays } = options;
  const producer = queues.producer(LAB_QUEUE, LabJob);
  const timer = createQuietTimer({ quietMs: 20, longestMs: 200, now: Date.now });
  const runOf = (id: string) => Number(id.split('-')[1]);

  queues.worker(
    LAB_QUEUE,
    LabJob,
    { file: new URL('./lab-job.ts', import.meta.url) },
    {
      useWorkerThreads: true,
      threads: { workerData: options.threadData },
      lockMs: LOCK_MS,
      // One at a time: forecasts that are due share the cores.
      concurrency: 1,
      onCompleted: ({ id, result, durationMs }) => {
        logger.info({ job: id, durationMs, ...LabJobResult.safeParse(result).data }, 'lab run done');
      },
      onFailed: ({ id, error: err, attempt, final }) => {
        logger.warn({ job: id, err, attempt, final }, 'lab job failed');
        const reason = 'The run failed; the reason is in the log of the forecaster.';
        if (final) failLabRun(db, runOf(id), reason).catch(options.onError);
      },
    },
  );

  async function plan(): Promise<void> {
    const [open, epoch] = await Promise.all([listOpenLabRuns(db), readEpoch(db)]);
    for (const run of open) {
      // Another database on the same queue has runs of its own with the same numbers.
      await producer.add({ run }, { jobId: jobId('lab', run, epoch), reviveAfterMs: REVIVE_AFTER_MS });
    }
  }

  let pruneAt = 0;
  async function prune(): Promise<void> {
    if (keepDays === 0 || Date.now() < pruneAt) return;
    const pruned = await pruneLabRuns(db, keepDays);
    pruneAt = Date.now() + PRUNE_MS;
    if (pruned > 0) logger.info({ pruned, keepDays }, 'old runs of the lab forgotten');
  }

  return {
    hint(payload) {
      const parsed = LabHint.safeParse(payload);
      if (parsed.success && parsed.data.state === 'waiting') timer.touch();
    },
    sweep: () => timer.ringIn(0),
    async run(signal) {
      while (!signal.aborted) {
        let pause = SWEEP_MS;
        try {
          await plan();
          await prune();
        } catch (error) {
          options.onError(error);
          pause = RETRY_MS;
        }
        timer.ringIn(pause);
        await timer.wait(signal);
      }
    },
  };
}
