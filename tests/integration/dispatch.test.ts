/** Which jobs the forecaster plans, and in which order they are served: on a real database, listener and queue. */
import { FORECAST_QUEUE, ForecastJob } from '@tapecast/contracts/jobs';
import { BARS_CHANNEL } from '@tapecast/contracts/notify';
import { unixSeconds } from '@tapecast/contracts/units';
import { openDatabase, type Database } from '@tapecast/db/database';
import { openListener, type Listener } from '@tapecast/db/listen';
import { describeTicker, ensureTickers } from '@tapecast/db/tickers';
import { listWatched, noteWatched } from '@tapecast/db/watched';
import { writeBars } from '@tapecast/db/write-bars';
import { connectQueues, type Queues } from '@tapecast/queue/queues';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createDispatcher, type Dispatcher } from '../../apps/forecaster/src/dispatch.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { createWorld } from './hub-world.ts';

vi.setConfig({ testTimeout: 120_000 });
const SOON = { timeout: 40_000, interval: 50 };
const HOUR = 3_600;
/** Bars that closed long ago, so that none becomes due by the clock while a test runs. */
const NEWEST = Math.floor(Date.now() / 1_000 / HOUR) * HOUR - 6 * HOUR;

let server: TestDatabase;
let queueServer: TestDatabase;
let db: Database;
let queues: Queues;
let stopping: AbortController;
let running: Promise<void>;
let listener: Listener | undefined;

beforeEach(async () => {
  [server, queueServer] = await Promise.all([createDatabase(), createDatabase({ empty: true })]);
  db = openDatabase({ url: server.url, applicationName: 'test' });
  queues = connectQueues({ url: queueServer.url, onError: () => undefined });
  stopping = new AbortController();
});
afterEach(async () => {
  stopping.abort();
  await Promise.all([running, listener?.close(), queues.close()]);
  listener = undefined;
  await db.close();
  await Promise.all([server.drop(), queueServer.drop()]);
});

function startDispatcher(options: { sweepMs: number }): { dispatcher: Dispatcher; rounds(): number } {
  let rounds = 0;
  const dispatcher = createDispatcher({
    ...{ db, ...options },
    producer: queues.producer(FORECAST_QUEUE, ForecastJob),
    onPlanned: () => undefined,
    onRound: () => (rounds += 1),
    onError: () => undefined,
  });
  running = dispatcher.run(stopping.signal);
  return { dispatcher, rounds: () => rounds };
}

async function seed(tickers: string[], bars: number): Promise<void> {
  await ensureTickers(db, tickers);
  for (const ticker of tickers) await describeTicker(db, ticker, { timezone: 'UTC' });
  const rows = tickers.flatMap((ticker) =>
    Array.from({ length: bars }, (_, i) => {
      const close = 100 + Math.sin(i);
      const prices = { open: close, high: close, low: close, close, closeAdj: null, volume: 1 };
      return { time: unixSeconds(NEWEST - i * HOUR), ticker, ...prices, source: 'simulated' };
    }),
  );
  await writeBars(db, '1h', rows);
}

async function priorities(): Promise<Record<string, number | null>> {
  const waiting = await queues.jobs(FORECAST_QUEUE).list(['waiting'], 100);
  return Object.fromEntries(waiting.map(({ data, priority }) => [ForecastJob.parse(data).ticker, priority]));
}

test('what somebody looks at is served first, also when it waits already', async () => {
  await seed(['A', 'B', 'C'], 60);
  await noteWatched(db, ['C', 'NOBODY-KNOWS']);
  const { dispatcher } = startDispatcher({ sweepMs: 3_600_000 });
  await vi.waitFor(async () => expect(await priorities()).toEqual({ A: 3, B: 3, C: 1 }), SOON);

  await noteWatched(db, ['B']);
  dispatcher.sweep();
  await vi.waitFor(async () => expect(await priorities()).toEqual({ A: 3, B: 1, C: 1 }), SOON);
  const served: string[] = [];
  queues.worker(FORECAST_QUEUE, ForecastJob, async ({ ticker }) => served.push(ticker));
  await vi.waitFor(() => expect(served).toHaveLength(3), SOON);
  expect(served[2]).toBe('A');
  expect([...(await listWatched(db, 60))].toSorted()).toEqual(['B', 'C']);
  expect(await listWatched(db, 0)).toEqual(new Set());
});

test('a history that arrives is planned at its hint, without a sweep', async () => {
  await seed(['LATE'], 10);
  const { dispatcher, rounds } = startDispatcher({ sweepMs: 3_600_000 });
  const ready = Promise.withResolvers<null>();
  listener = openListener({
    url: server.url,
    applicationName: 'test',
    channels: { [BARS_CHANNEL]: (payload) => dispatcher.hint(payload) },
    onReady: () => ready.resolve(null),
    onLost: () => undefined,
    onMalformed: () => undefined,
  });
  await ready.promise;
  await vi.waitFor(() => expect(rounds()).toBeGreaterThan(0), SOON);
  expect(await priorities()).toEqual({});
  await seed(['LATE'], 120);
  await vi.waitFor(async () => expect(await priorities()).toEqual({ LATE: 3 }), SOON);
});

test('the web service tells which tickers its clients look at', async () => {
  const world = await createWorld({ tickers: ['MSFT', 'TSLA'], services: { watchReportMs: 50 } });
  running = Promise.resolve();
  try {
    const socket = world.socket();
    const answer = await socket.emitWithAck('subscribe', { series: [{ ticker: 'TSLA', resolution: '5m' }] });
    expect(answer).toMatchObject({ ok: true });
    await vi.waitFor(async () => expect(await listWatched(world.db, 60)).toEqual(new Set(['TSLA'])), SOON);
  } finally {
    await world.close();
  }
});
