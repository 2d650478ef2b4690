/** The forecaster as a real process, on a real database and both kinds of queue. */
import { fileURLToPath } from 'node:url';
import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { FORECAST_HORIZONS, RESOLUTION_SECONDS, type ForecastResolution } from '@tapecast/contracts/resolution';
import { unixSeconds } from '@tapecast/contracts/units';
import { openDatabase, type Database } from '@tapecast/db/database';
import { listNewestForecasts, readForecast } from '@tapecast/db/forecasts';
import { describeTicker, ensureTickers } from '@tapecast/db/tickers';
import { writeBars, type PriceRow } from '@tapecast/db/write-bars';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { QUEUE_SERVERS, type QueueServer } from './queue-servers.ts';
import { startTcpProxy } from './tcp-proxy.ts';

const MAIN = fileURLToPath(new URL('../../apps/forecaster/src/main.ts', import.meta.url));
vi.setConfig({ testTimeout: 240_000 });
/** Two sweeps: what a busy machine is late with is found by then. */
const SOON = { timeout: 70_000, interval: 100 };
const RESOLUTIONS = ['1h', '1d'] as const;

describe.each(QUEUE_SERVERS)('on $name', ({ start }) => {
  let queue: QueueServer;
  let database: TestDatabase;
  let db: Database;
  let forecasters: ServerProcess[] = [];

  beforeAll(async () => {
    queue = await start();
  });
  beforeEach(async () => {
    database = await createDatabase();
    db = openDatabase({ url: database.url, applicationName: 'test' });
  });
  afterEach(async () => {
    await Promise.all(forecasters.map((each) => each.end()));
    forecasters = [];
    await db.close();
    await database.drop();
  });
  afterAll(() => queue.stop());

  async function startForecaster(databaseUrl = database.asRole('tapecast_forecaster')): Promise<ServerProcess> {
    const settings = {
      DATABASE_URL: databaseUrl,
      QUEUE_URL: queue.url,
      FORECAST_THREADS: '2',
      FORECAST_BACKTESTS: '0',
      LOG_LEVEL: 'info',
    };
    const env = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
    const forecaster = await startServerProcess('/usr/bin/env', [...env, process.execPath, MAIN], /"msg":"started"/);
    forecasters.push(forecaster);
    return forecaster;
  }

  /** Bars that closed long ago, so that no forecast becomes due by the clock while a test runs. */
  async function seed(tickers: string[], bars = 120): Promise<void> {
    await ensureTickers(db, tickers);
    for (const ticker of tickers) await describeTicker(db, ticker, { timezone: 'UTC' });
    for (const resolution of RESOLUTIONS) {
      const rows = tickers.flatMap((ticker, t) =>
        Array.from({ length: bars }, (_, i) => row(ticker, resolution, i - bars, t)),
      );
      await writeBars(db, resolution, rows);
    }
  }

  test('each series is forecast as soon as there is one, and again when a bar closes', async () => {
    await seed(['BTC-USD', '^GSPC']);
    await startForecaster();
    await vi.waitFor(async () => expect(await listNewestForecasts(db)).toHaveLength(4), SOON);
    const before = await forecastOf('^GSPC', '1h');
    expect(before).toMatchObject({ madeAt: keyOf('1h', 0), source: 'simulated', quantiles: [...QUANTILE_LEVELS] });
    expect(before.points).toHaveLength(FORECAST_HORIZONS['1h']);
    expect(before.points.map(([time]) => time)).toEqual(before.points.map((_, h) => keyOf('1h', h)));
    for (const [, ...prices] of before.points) expect(prices).toEqual(prices.toSorted((a, b) => a - b));

    await writeBars(db, '1h', [row('^GSPC', '1h', 0, 1)]);
    await vi.waitFor(async () => expect((await forecastOf('^GSPC', '1h')).madeAt).toBe(keyOf('1h', 1)), SOON);
    const asKnownThen = await readForecast(db, { ticker: '^GSPC', resolution: '1h', asOf: keyOf('1h', 0) });
    expect(asKnownThen).toEqual(before);
    expect((await forecastOf('BTC-USD', '1h')).madeAt).toBe(keyOf('1h', 0));
  });

  test('odd series get a forecast or a refusal that names them, and the worker goes on', async () => {
    const plain = Array.from({ length: 120 }, (_, i) => row('', '1d', i - 120, 0));
    const scaled = (each: PriceRow, ticker: string, factor: number): PriceRow => {
      const { open, high, low, close } = each;
      return { ...each, ticker, open: open * factor, high: high * factor, low: low * factor, close: close * factor };
    };
    const series: Record<string, PriceRow[]> = {
      SHORT: plain.slice(-5).map((each) => scaled(each, 'SHORT', 1)),
      FLAT: plain.map((each) => ({ ...each, ticker: 'FLAT', open: 5, high: 5, low: 5, close: 5 })),
      TINY: plain.map((each) => scaled(each, 'TINY', 1e-11)),
      HUGE: plain.map((each) => scaled(each, 'HUGE', 1e7)),
      SPLIT: plain.map((each, i) => scaled(each, 'SPLIT', i < 80 ? 1 : 0.25)),
      GAPPY: plain.filter((_, i) => i % 3 !== 0).map((each) => scaled(each, 'GAPPY', 1)),
    };
    await ensureTickers(db, Object.keys(series));
    for (const ticker of Object.keys(series)) await describeTicker(db, ticker, { timezone: 'UTC' });
    for (const rows of Object.values(series)) await writeBars(db, '1d', rows);
    const forecaster = await startForecaster();
    await vi.waitFor(() => expect(forecaster.output()).toMatch(/FLAT.*refused.*constant/), SOON);
    await vi.waitFor(async () => {
      const forecast = (await listNewestForecasts(db)).map(({ ticker }) => ticker).toSorted();
      expect(forecast).toEqual(['GAPPY', 'HUGE', 'SPLIT', 'TINY']);
    }, SOON);
    for (const ticker of ['GAPPY', 'HUGE', 'SPLIT', 'TINY']) {
      const { points } = await forecastOf(ticker, '1d');
      const prices = points.flatMap(([, ...quantiles]) => quantiles);
      expect(
        prices.every((price) => Number.isFinite(price) && price > 0),
        ticker,
      ).toBe(true);
    }
    expect(forecaster.output()).not.toMatch(/forecast job failed|"level":60/);
  });

  test('the queue goes away and comes back: what closed meanwhile is forecast', async () => {
    await seed(['ETH-USD']);
    const forecaster = await startForecaster();
    await vi.waitFor(async () => expect(await listNewestForecasts(db)).toHaveLength(2), SOON);
    await queue.kill();
    await writeBars(db, '1h', [row('ETH-USD', '1h', 0, 0)]);
    await vi.waitFor(() => expect(forecaster.output()).toContain('the queue is away'), SOON);
    await queue.restart();
    await vi.waitFor(async () => expect((await forecastOf('ETH-USD', '1h')).madeAt).toBe(keyOf('1h', 1)), SOON);
  });

  test('the database goes away and comes back: what closed meanwhile is forecast', async () => {
    await seed(['ADA-USD']);
    const url = new URL(database.asRole('tapecast_forecaster'));
    const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
    try {
      url.port = String(proxy.port);
      const forecaster = await startForecaster(url.href);
      await vi.waitFor(async () => expect(await listNewestForecasts(db)).toHaveLength(2), SOON);
      proxy.cut();
      await vi.waitFor(() => expect(forecaster.output()).toContain('the database is away'), SOON);
      await writeBars(db, '1h', [row('ADA-USD', '1h', 0, 0)]);
      proxy.restore();
      const madeAt = keyOf('1h', 1);
      await vi.waitFor(async () => expect((await forecastOf('ADA-USD', '1h')).madeAt).toBe(madeAt), SOON);
      await vi.waitFor(() => expect(forecaster.output()).toContain('the database is back'), SOON);
    } finally {
      await proxy.close();
    }
  });

  test('stops at once when it is told to, and leaves nothing behind', async () => {
    await seed(['SOL-USD']);
    const forecaster = await startForecaster();
    await vi.waitFor(async () => expect(await listNewestForecasts(db)).toHaveLength(2), SOON);
    await forecaster.end('SIGTERM');
    expect(forecaster.output()).toContain('"msg":"stopping"');
    expect(forecaster.output()).not.toContain('"level":60');
  });

  async function forecastOf(ticker: string, resolution: ForecastResolution) {
    const forecast = await readForecast(db, { ticker, resolution });
    if (forecast === null) throw new Error(`no forecast of ${ticker}`);
    return forecast;
  }
});

const NOW = Math.floor(Date.now() / 1_000);

/** Key of the bar that is `index` bars after the last one of a seeded history (which is −1). */
function keyOf(resolution: ForecastResolution, index: number) {
  const step = RESOLUTION_SECONDS[resolution];
  return unixSeconds((Math.floor(NOW / step) - 6 + index) * step);
}

function row(ticker: string, resolution: ForecastResolution, index: number, salt: number) {
  const close = 100 * Math.exp(0.05 * Math.sin(index * 1.7 + salt) + 0.03 * Math.sin(index * 0.31));
  const prices = { open: close, high: close * 1.01, low: close * 0.99, close, closeAdj: null };
  return { time: keyOf(resolution, index), ticker, ...prices, volume: 1, source: 'simulated' };
}
