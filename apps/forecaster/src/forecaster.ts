/** The forecaster: plans a job for each bar that closes, works jobs in threads, and scores what was forecast. */
import { BACKTEST_QUEUE, FORECAST_QUEUE, ForecastJob } from '@tapecast/contracts/jobs';
import { BARS_CHANNEL, LAB_CHANNEL } from '@tapecast/contracts/notify';
import { openDatabase, type Database } from '@tapecast/db/database';
import { DatabaseUnavailableError } from '@tapecast/db/errors';
import { openListener } from '@tapecast/db/listen';
import { assertSchema } from '@tapecast/db/migrate';
import { QueueUnavailableError } from '@tapecast/queue/errors';
import { connectQueues, type Queues } from '@tapecast/queue/queues';
import { type JobCompletion, type JobFailure } from '@tapecast/queue/worker';
import { type Logger } from '@tapecast/runtime/logger';
import { type RunningService, type ServiceContext } from '@tapecast/runtime/service';
import { databaseUrl, listenUrl } from '@tapecast/runtime/settings';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBacktestPlanner } from './backtest.ts';
import { createDispatcher } from './dispatch.ts';
import { type ThreadData } from './forecast-job.ts';
import { startLab } from './lab/lab-service.ts';
import { ForecastResult } from './make-forecast.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { createOutageLog } from './outage-log.ts';
import { createScorer } from './score.ts';
import { type Settings } from './settings.ts';

/** A job of a forecaster that died is taken over after at most twice this. Short, because a job is: a second or less. */
const LOCK_MS = 5_000;
/** A hundred times what a job takes: its thread hangs, and is ended. The job is tried again. */
const JOB_TIMEOUT_MS = 120_000;

export async function startForecaster(settings: Settings, context: ServiceContext): Promise<RunningService> {
  const { logger, registry } = context;
  const stopping = new AbortController();
  const signal = AbortSignal.any([context.signal, stopping.signal]);
  const database = createOutageLog(logger, 'the database');
  const queue = createOutageLog(logger, 'the queue');
  const db = openDatabase({
    url: databaseUrl(settings),
    applicationName: 'tapecast forecaster',
    maxConnections: 4,
    onError: (err) => logger.debug({ err }, 'a database connection broke'),
  });
  try {
    await waitForSchema(db, database, signal);
  } catch (error) {
    await db.close();
    throw error;
  }

  const queues = connectQueues({ url: settings.QUEUE_URL, onError: (err) => queue.failed(err) });
  const metrics = createMetrics(registry, () => queues.oldestWaiting(FORECAST_QUEUE));
  const backtests = createBacktestPlanner({
    db,
    producer: queues.producer(BACKTEST_QUEUE, ForecastJob),
    mostSeries: settings.FORECAST_BACKTESTS,
    busy: async () => {
      const counts = await Promise.all([FORECAST_QUEUE, BACKTEST_QUEUE].map((name) => queues.counts(name)));
      return counts.reduce((sum, { waiting, active, delayed }) => sum + waiting + active + delayed, 0);
    },
  });
  let rounds = 0;
  const dispatcher = createDispatcher({
    db,
    producer: queues.producer(FORECAST_QUEUE, ForecastJob),
    onPlanned: (job) => {
      metrics.planned.inc({ resolution: job.resolution });
      logger.debug(job, 'forecast planned');
    },
    onRound: (newest) => {
      rounds += 1;
      metrics.newest(newest);
      if (newest.length > 0) backtests.next().catch((err) => logger.debug({ err }, 'no backtest could be planned'));
      database.worked();
      if (queue.away) queues.counts(FORECAST_QUEUE).then(() => queue.worked(), queue.failed);
    },
    onError: (err) => {
      if (err instanceof DatabaseUnavailableError) database.failed(err);
      else if (err instanceof QueueUnavailableError) queue.failed(err);
      else logger.error({ err }, 'forecasts could not be planned');
    },
  });
  const scorer = createScorer({
    db,
    onScored: (counts, durationMs) => {
      metrics.scoring(counts, durationMs);
      if (counts.scored + counts.withdrawn > 0) logger.debug({ ...counts, durationMs }, 'forecasts scored');
    },
    onError: (err) => {
      if (err instanceof DatabaseUnavailableError) database.failed(err);
      else logger.error({ err }, 'forecasts could not be scored');
    },
  });
  const lab = startLab({
    ...{ db, queues, logger, threadData: { databaseUrl: databaseUrl(settings) }, keepDays: settings.LAB_KEEP_DAYS },
    onError: (err) => {
      if (err instanceof DatabaseUnavailableError) database.failed(err);
      else if (err instanceof QueueUnavailableError) queue.failed(err);
      else logger.error({ err }, 'runs of the lab could not be planned');
    },
  });
  const listener = openListener({
    url: listenUrl(settings),
    applicationName: 'tapecast forecaster',
    channels: {
      [BARS_CHANNEL]: (payload) => {
        dispatcher.hint(payload);
        scorer.hint(payload);
      },
      [LAB_CHANNEL]: (payload) => lab.hint(payload),
    },
    onReady: () => {
      dispatcher.sweep();
      scorer.sweep();
      lab.sweep();
    },
    onLost: (err) => database.failed(err),
    onMalformed: (channel, text) => logger.warn({ channel, text: text.slice(0, 200) }, 'a NOTIFY that is no JSON'),
  });
  startWorkers(queues, settings, metrics, logger);
  const working = [dispatcher.run(signal), scorer.run(signal), lab.run(signal)];

  return {
    ready: () => [
      ...(rounds === 0 ? ['no series was looked at yet'] : []),
      ...(database.away ? ['the database is away'] : []),
      ...(queue.away ? ['the queue is away'] : []),
    ],
    stop: async () => {
      stopping.abort();
      await Promise.all([listener.close(), ...working, queues.close()]);
      await db.close();
    },
  };
}

function startWorkers(queues: Queues, settings: Settings, metrics: Metrics, logger: Logger): void {
  const threadData: ThreadData = { databaseUrl: databaseUrl(settings) };
  const threads = {
    useWorkerThreads: true,
    threads: { workerData: threadData },
    lockMs: LOCK_MS,
    timeoutMs: JOB_TIMEOUT_MS,
  };
  queues.worker(
    FORECAST_QUEUE,
    ForecastJob,
    { file: new URL('./forecast-job.ts', import.meta.url) },
    {
      ...threads,
      concurrency: settings.FORECAST_THREADS,
      onCompleted: (completion) => noteCompletion(completion, metrics, logger),
      onFailed: (failure) => noteFailure(failure, metrics, logger),
    },
  );
  if (settings.FORECAST_BACKTESTS === 0) return;
  queues.worker(
    BACKTEST_QUEUE,
    ForecastJob,
    { file: new URL('./backtest-job.ts', import.meta.url) },
    {
      ...threads,
      concurrency: 1,
      onFailed: ({ id, error: err, final }) => logger.warn({ job: id, err, final }, 'backtest job failed'),
    },
  );
}

function noteCompletion({ id, result, durationMs }: JobCompletion, metrics: Metrics, logger: Logger): void {
  metrics.seconds.observe(durationMs / 1_000);
  const parsed = ForecastResult.safeParse(result);
  if (!parsed.success) return;
  const { outcome, shown, refusals } = parsed.data;
  metrics.jobs.inc({ outcome });
  for (const { model, reason } of refusals) metrics.refusals.inc({ model, reason });
  const level = outcome === 'refused' ? 'info' : 'debug';
  logger[level]({ job: id, outcome, shown, durationMs, refusals }, 'forecast job done');
}

function noteFailure({ id, error: err, attempt, final }: JobFailure, metrics: Metrics, logger: Logger): void {
  metrics.jobs.inc({ outcome: final ? 'failed' : 'retried' });
  logger[final ? 'error' : 'warn']({ job: id, err, attempt, final }, 'forecast job failed');
}

async function waitForSchema(db: Database, outage: { failed(err: unknown): void }, signal: AbortSignal): Promise<void> {
  for (let pause = 250; ; pause = Math.min(5_000, pause * 2)) {
    try {
      await assertSchema(db);
      return;
    } catch (error) {
      if (!(error instanceof DatabaseUnavailableError)) throw error;
      outage.failed(error);
      await sleep(pause, undefined, { signal });
    }
  }
}
