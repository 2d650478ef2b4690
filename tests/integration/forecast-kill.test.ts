/**
 * Forecasters killed at random in the middle of their jobs: in the end every forecast is there, whole and once.
 * TEST_KILL_JOBS tells how many jobs (`TEST_KILL_JOBS=1000 npm test -- tests/integration/forecast-kill.test.ts`).
 */
import { fileURLToPath } from 'node:url';
import { FORECAST_QUEUE } from '@tapecast/contracts/jobs';
import { FORECAST_HORIZONS, RESOLUTION_SECONDS, type ForecastResolution } from '@tapecast/contracts/resolution';
import { unixSeconds } from '@tapecast/contracts/units';
import { openDatabase, type Database } from '@tapecast/db/database';
import { listNewestForecasts } from '@tapecast/db/forecasts';
import { writeBars } from '@tapecast/db/write-bars';
import { connectQueues } from '@tapecast/queue/queues';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { QUEUE_SERVERS, type QueueServer } from './queue-servers.ts';

const JOBS = Number(process.env['TEST_KILL_JOBS'] ?? 60);
const KILLS = Math.ceil(Math.sqrt(JOBS) / 2);
/** A job a second, and a dozen seconds for each lock that must lapse: far more than an idle machine needs. */
const PATIENTLY = { timeout: (JOBS + KILLS * 12) * 1_000, interval: 100 };
const MAIN = fileURLToPath(new URL('../../apps/forecaster/src/main.ts', import.meta.url));
const RESOLUTIONS = ['1h', '1d'] as const;
const NOW = Math.floor(Date.now() / 1_000);

describe.each(QUEUE_SERVERS)('on $name', ({ start }) => {
  let queue: QueueServer;
  let database: TestDatabase;
  let db: Database;
  const alive: ServerProcess[] = [];

  beforeEach(async () => {
    [queue, database] = await Promise.all([start(), createDatabase()]);
    db = openDatabase({ url: database.url, applicationName: 'test' });
  });
  afterEach(async () => {
    await Promise.all(alive.splice(0).map((each) => each.end()));
    await db.close();
    await Promise.all([database.drop(), queue.stop()]);
  });

  async function startForecaster(): Promise<void> {
    const settings = {
      DATABASE_URL: database.asRole('tapecast_forecaster'),
      QUEUE_URL: queue.url,
      FORECAST_THREADS: '1',
      FORECAST_BACKTESTS: '0',
    };
    const env = { ...process.env, ...settings };
    alive.push(await startServerProcess(process.execPath, [MAIN], /"msg":"started"/, env));
  }

  test(`${JOBS} jobs, ${KILLS} forecasters killed`, { timeout: 2 * PATIENTLY.timeout }, async () => {
    await seed(db, JOBS / 2);
    await Promise.all([startForecaster(), startForecaster()]);
    const made = async (): Promise<number> => (await listNewestForecasts(db)).length;
    let killed = 0;
    for (
      let next = 1;
      killed < KILLS && next < JOBS - 1;
      next += 1 + Math.floor((Math.random() * 1.5 * JOBS) / KILLS)
    ) {
      await vi.waitFor(async () => expect(await made()).toBeGreaterThanOrEqual(next), PATIENTLY);
      if ((await made()) === JOBS) break;
      const [victim] = alive.splice(Math.floor(Math.random() * alive.length), 1);
      await victim?.end('SIGKILL');
      killed += 1;
      await startForecaster();
    }
    expect(killed).toBeGreaterThan(0);
    await vi.waitFor(async () => expect(await made()).toBe(JOBS), PATIENTLY);

    const { rows } = await db.pool.query<{
      resolution: ForecastResolution;
      moments: number;
      shown: number;
      points: number;
    }>(
      `SELECT resolution, count(DISTINCT made_at)::int AS moments, count(*) FILTER (WHERE shown)::int AS shown,
         count(*) FILTER (WHERE model = 'last-price')::int AS points
       FROM stock_forecasts GROUP BY ticker, resolution`,
    );
    expect(rows).toHaveLength(JOBS);
    for (const { resolution, ...counts } of rows) {
      const horizon = FORECAST_HORIZONS[resolution];
      expect(counts).toEqual({ moments: 1, shown: horizon, points: horizon });
    }
    const queues = connectQueues({ url: queue.url, onError: () => undefined });
    try {
      // The forecast of a killed job may be there before its job has been taken over and found it.
      await vi.waitFor(async () => {
        const counts = await queues.counts(FORECAST_QUEUE);
        expect(counts).toEqual({ waiting: 0, active: 0, delayed: 0, failed: 0, completed: JOBS });
      }, PATIENTLY);
    } finally {
      await queues.close();
    }
  });
});

/** Histories that closed long ago, so that no forecast becomes due by the clock while the test runs. */
async function seed(db: Database, count: number): Promise<void> {
  const tickers = Array.from({ length: count }, (_, i) => `T${i}`);
  await db.pool.query("INSERT INTO stock_tickers (ticker, timezone) SELECT unnest($1::text[]), 'UTC'", [tickers]);
  for (const resolution of RESOLUTIONS) {
    const step = RESOLUTION_SECONDS[resolution];
    const newest = (Math.floor(NOW / step) - 6) * step;
    const rows = tickers.flatMap((ticker, t) =>
      Array.from({ length: 40 }, (_, i) => {
        const close = 100 * Math.exp(0.05 * Math.sin(i * 1.7 + t) + 0.03 * Math.sin(i * 0.31));
        const prices = { open: close, high: close * 1.01, low: close * 0.99, close, closeAdj: null, volume: 1 };
        return { time: unixSeconds(newest - i * step), ticker, ...prices, source: 'simulated' };
      }),
    );
    await writeBars(db, resolution, rows);
  }
}
