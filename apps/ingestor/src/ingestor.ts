/** The ingestor: polls, writes what they bring, keeps the history complete. */
import { type Ticker } from '@tapecast/contracts/ticker';
import { openDatabase, type Database } from '@tapecast/db/database';
import { DatabaseUnavailableError } from '@tapecast/db/errors';
import { readFeed } from '@tapecast/db/feed';
import { assertSchema } from '@tapecast/db/migrate';
import { listQuotes } from '@tapecast/db/quotes';
import { systemClock } from '@tapecast/ingest/clock';
import { createHistory } from '@tapecast/ingest/history';
import { createInstrumentBook } from '@tapecast/ingest/instrument-book';
import { openVendorBudget, refuseMixing } from '@tapecast/ingest/sources/open-source';
import { createQuoteWriter, type Poll } from '@tapecast/ingest/write';
import { connectQueues, type Queues } from '@tapecast/queue/queues';
import { type Logger } from '@tapecast/runtime/logger';
import { type RunningService, type ServiceContext } from '@tapecast/runtime/service';
import { databaseUrl } from '@tapecast/runtime/settings';
import { chooseSource } from './choose-source.ts';
import { runLeadership } from './leadership.ts';
import { createMetrics } from './metrics.ts';
import { createPollBuffer } from './poll-buffer.ts';
import { runPollLoop } from './poll-loop.ts';
import { createTimerSchedule } from './poll-schedule.ts';
import { runPollWriter } from './poll-writer.ts';
import { createQueueSchedule } from './queue-schedule.ts';
import { type Settings } from './settings.ts';
import { loadWatchlist, readWatchlist, type Watched } from './watchlist.ts';

const BUFFERED_QUOTES = 200_000;
const WATCHLIST_MS = 10_000;
/** Without the database nobody knows of the others: four of them stay below the budget together. */
const SHARERS_IN_THE_DARK = 4;
/** A vendor's patience is scarce, a simulation's is not. */
const DEFAULT_POLL_SECONDS = { yahoo: 15, simulated: 1 } as const;

export async function startIngestor(settings: Settings, context: ServiceContext): Promise<RunningService> {
  const { logger, registry } = context;
  const clock = systemClock;
  const stopping = new AbortController();
  const signal = AbortSignal.any([context.signal, stopping.signal]);
  const db = openDatabase({
    url: databaseUrl(settings),
    applicationName: 'tapecast ingestor',
    maxConnections: 4,
    onError: (err) => logger.warn({ err }, 'a database connection broke'),
  });
  const opened = await startWith(db, settings, context, signal).catch(async (error: unknown) => {
    await db.close();
    throw error;
  });
  const { source } = opened;
  const pollSeconds = settings.POLL_SECONDS ?? DEFAULT_POLL_SECONDS[source.name];
  let watched = opened.watched;

  const book = createInstrumentBook();
  book.learnAll(watched);
  const buffer = createPollBuffer<Poll>(Math.max(60, Math.floor(BUFFERED_QUOTES / Math.max(1, watched.length))));
  const metrics = createMetrics(registry, buffer);
  const history = createHistory({
    db,
    source,
    book,
    clock,
    backfillFrom: settings.BACKFILL_FROM ?? null,
    onBackfilled: ({ ticker, resolution }, { bars, changed, doubtful }, done, total) => {
      metrics.bars.inc({ resolution }, changed);
      metrics.doubtful.inc({ resolution }, doubtful);
      logger.info(`backfill ${ticker} ${resolution} ${bars.toLocaleString('en-US')} bars ${done}/${total}`);
    },
    onRepaired: ({ ticker, resolution }, { bars, changed, rejected, doubtful }) => {
      metrics.bars.inc({ resolution }, changed);
      metrics.doubtful.inc({ resolution }, doubtful);
      if (doubtful > 0) logger.warn({ ticker, resolution, doubtful }, 'bars are doubtful: see tapecast repairs list');
      logger.debug({ ticker, resolution, bars, changed, rejected }, 'vendor bars fetched');
    },
    onRestated: ({ ticker, resolution }, { bars, changed, adjusted }) =>
      logger.info(
        { ticker, resolution, bars, changed, adjusted },
        'the history before a split or dividend was restated',
      ),
    onRechecked: ({ ticker, resolution }, { changed }) =>
      logger.debug({ ticker, resolution, changed }, 'doubtful bars were asked for again'),
    onFailed: ({ ticker, resolution }, err, retryInSeconds) =>
      logger.warn({ ticker, resolution, err, retryInSeconds }, 'bars could not be fetched'),
  });
  history.setTickers(watched.map(({ ticker }) => ticker));
  const health = createFeedLog(logger, () => history.resume());
  let databaseAway = false;
  const tickers = () => watched.map(({ ticker }): Ticker => ticker);
  const queues = settings.QUEUE_URL === undefined ? null : connectToQueue(settings.QUEUE_URL, logger);
  const periodMs = pollSeconds * 1_000;
  // One ingestor keeps the history for all; without a queue there is only one.
  let keepsHistory = queues === null;

  const work = [
    runPollLoop(
      {
        source,
        schedule:
          queues === null
            ? createTimerSchedule({ periodMs, clock })
            : createQueueSchedule({
                queues,
                periodMs,
                clock,
                tickers,
                onAway: (err) => logger.error({ err }, 'the queue is away: polling resumes when it is back'),
                onBack: () => {
                  logger.info('the queue is back');
                  history.resume();
                },
              }),
        clock,
        tickers,
        onPoll: (poll) => {
          metrics.polls.inc({ outcome: 'error' in poll ? 'failed' : 'ok' });
          health.note(poll);
          buffer.push(poll);
        },
      },
      signal,
    ),
    runPollWriter(
      {
        buffer,
        writer: createQuoteWriter({ db, source: source.name, pollSeconds, book }),
        clock,
        onWritten: (_poll, { rejected, restated }) => {
          for (const ticker of restated) history.look(ticker);
          if (databaseAway) logger.info({ buffered: buffer.size, lost: buffer.lost }, 'the database is back');
          databaseAway = false;
          metrics.rejected(rejected);
          for (const { ticker, reason } of rejected) logger.debug({ ticker, reason }, 'a quote was refused');
        },
        onUnavailable: (err) => {
          databaseAway = true;
          logger.error({ err }, 'the database is away: polls are kept in memory until it is back');
        },
        onRefused: (err) => logger.error({ err }, 'a poll could not be written and is left out'),
      },
      signal,
    ),
    queues === null
      ? history.run(signal)
      : runLeadership(
          {
            db,
            name: 'history',
            clock,
            work: (held) => history.run(held),
            onChange: (leads) => {
              keepsHistory = leads;
              logger.debug({ leads }, 'who keeps the history complete has changed');
            },
          },
          signal,
        ),
    keepWatchlist(db, logger, signal, async (rows) => {
      watched = rows;
      book.learnAll(rows);
      history.setTickers(rows.map(({ ticker }) => ticker));
      // Others poll a part of the tickers: what they learnt stands in the database.
      if (queues !== null) for (const quote of await listQuotes(db)) book.learnQuote(quote.ticker, quote);
    }),
  ];
  const ended = Promise.all(work);
  // Nothing of this may end by itself: if it does, the process has to be started anew.
  ended.catch((err: unknown) => {
    logger.fatal({ err }, 'the ingestor stopped working');
    process.exitCode = 1;
    process.kill(process.pid, 'SIGTERM');
  });

  return {
    ready: () => [
      ...(databaseAway ? ['the database is away'] : []),
      ...(keepsHistory && history.pending() > 0 ? [`${history.pending()} histories are still to be loaded`] : []),
    ],
    unfit: () => (databaseAway ? ['the database is away'] : []),
    stop: async () => {
      stopping.abort();
      await ended.catch(() => undefined);
      await queues?.close();
      await db.close();
    },
  };
}

/** What has to be known before the first poll; waits for a database that is not up yet. */
async function startWith(db: Database, settings: Settings, { logger }: ServiceContext, signal: AbortSignal) {
  const [probe] = settings.TICKERS;
  if (probe === undefined) throw new RangeError('TICKERS is empty');
  const budget = openVendorBudget(db, settings, settings.QUEUE_URL === undefined ? 1 : SHARERS_IN_THE_DARK);
  for (let pause = 250; ; pause = Math.min(5_000, pause * 2)) {
    try {
      await assertSchema(db);
      const feed = await readFeed(db);
      const source = await chooseSource(settings, probe, { logger, signal, budget });
      refuseMixing(feed?.source, source.name);
      const watched = await loadWatchlist(db, settings.TICKERS);
      logger.info(
        { source: source.name, tickers: watched.map(({ ticker }) => ticker) },
        `prices come from ${source.name}`,
      );
      return { source, watched };
    } catch (err) {
      if (!(err instanceof DatabaseUnavailableError)) throw err;
      logger.warn({ err }, 'waiting for the database');
      await systemClock.sleep(pause, signal);
    }
  }
}

function connectToQueue(url: string, logger: Logger): Queues {
  return connectQueues({ url, onError: (err) => logger.debug({ err }, 'a connection to the queue broke') });
}

async function keepWatchlist(
  db: Database,
  logger: Logger,
  signal: AbortSignal,
  onChange: (rows: Watched[]) => Promise<void>,
): Promise<void> {
  while (!signal.aborted) {
    try {
      await systemClock.sleep(WATCHLIST_MS, signal);
      await onChange(await readWatchlist(db));
    } catch (err) {
      // The last known list serves until the database is back.
      if (!signal.aborted) logger.debug({ err }, 'the tickers could not be read');
    }
  }
}

/** Says once that polling fails, and once that it works again. */
function createFeedLog(logger: Logger, onResume: () => void): { note(poll: Poll): void } {
  let failedSince: number | null = null;
  return {
    note: (poll) => {
      if ('error' in poll) {
        if (failedSince === null) logger.warn({ reason: poll.error }, 'polling fails');
        failedSince ??= poll.receivedAt;
      } else if (failedSince !== null) {
        const seconds = Math.round((poll.receivedAt - failedSince) / 1_000);
        logger.info({ seconds }, 'polling works again: looking for gaps');
        failedSince = null;
        onResume();
      }
    },
  };
}
