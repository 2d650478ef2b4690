/** The forecaster as a process scores what it forecast; a backtest knows nothing of what came later. */
import { fileURLToPath } from 'node:url';
import { unixSeconds } from '@tapecast/contracts/units';
import { openDatabase, type Database } from '@tapecast/db/database';
import { readForecast } from '@tapecast/db/forecasts';
import { readScorecard } from '@tapecast/db/scores-read';
import { describeTicker, ensureTickers } from '@tapecast/db/tickers';
import { noteWatched } from '@tapecast/db/watched';
import { writeBars } from '@tapecast/db/write-bars';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createBacktestPlanner } from '../../apps/forecaster/src/backtest.ts';
import { makeForecast } from '../../apps/forecaster/src/make-forecast.ts';
import { Ticker } from '@tapecast/contracts/ticker';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

const MAIN = fileURLToPath(new URL('../../apps/forecaster/src/main.ts', import.meta.url));
const HOUR = 3_600;
const START = Math.floor(Date.now() / 1_000 / HOUR) * HOUR - 6 * HOUR;
const TODAY = Math.floor(Date.now() / 1_000 / HOUR / 24) * 24 * HOUR;
const hour = (index: number) => unixSeconds(START + index * HOUR);

let server: TestDatabase;
let queue: TestDatabase;
let db: Database;
const processes: ServerProcess[] = [];

beforeAll(async () => {
  [server, queue] = await Promise.all([createDatabase(), createDatabase({ empty: true })]);
  db = openDatabase({ url: server.url, applicationName: 'test' });
});
afterAll(async () => {
  await Promise.all(processes.map((each) => each.end()));
  await db.close();
  await Promise.all([server.drop(), queue.drop()]);
});

async function write(ticker: string, from: number, closes: number[], resolution: '1h' | '1d' = '1h'): Promise<void> {
  await ensureTickers(db, [ticker]);
  await describeTicker(db, ticker, { timezone: 'UTC' });
  const rows = closes.map((close, i) => {
    const prices = { open: close, high: close, low: close, close, closeAdj: null, volume: 1 };
    const time = resolution === '1h' ? hour(from + i) : unixSeconds(TODAY + (from + i) * 24 * HOUR);
    return { time, ticker, ...prices, source: 'simulated' };
  });
  await writeBars(db, resolution, rows);
}

const walk = (count: number) =>
  Array.from({ length: count }, (_, i) => 100 * Math.exp(0.02 * Math.sin(i * 1.7) + 0.03 * Math.sin(i * 0.31)));

it('a backtest is the forecast that would have been made then', async () => {
  const job = { ticker: Ticker.parse('LEAK'), resolution: '1h' as const, madeAt: hour(-40) };
  await write('LEAK', -160, walk(120));
  await makeForecast(db, job);
  // What comes after the moment could not be missed by a model that saw it.
  await write('LEAK', -40, new Array<number>(40).fill(500));
  await makeForecast(db, job, { kind: 'backtest' });
  for (const model of ['last-price', 'drift', undefined]) {
    const [then, later] = await Promise.all(
      (['live', 'backtest'] as const).map((kind) =>
        readForecast(db, { ticker: 'LEAK', resolution: '1h', asOf: job.madeAt, kind, model }),
      ),
    );
    expect(later).toEqual(then);
    expect(later?.points).toHaveLength(24);
  }
});

it('backtests go to what somebody looks at, then to hours before days', async () => {
  for (const ticker of ['AFAR', 'SEEN'].map((name) => Ticker.parse(name))) {
    for (const resolution of ['1h', '1d'] as const) {
      await write(ticker, -160, walk(150), resolution);
      const madeAt = resolution === '1h' ? hour(-20) : unixSeconds(TODAY - 20 * 24 * HOUR);
      await makeForecast(db, { ticker, resolution, madeAt });
    }
  }
  await noteWatched(db, ['SEEN']);
  const planned: string[] = [];
  const planner = createBacktestPlanner({
    db,
    producer: {
      add: ({ ticker, resolution }) => {
        if (['AFAR', 'SEEN'].includes(ticker)) planned.push(`${ticker} ${resolution}`);
        return Promise.resolve();
      },
    },
    busy: () => Promise.resolve(0),
    mostSeries: 100,
  });
  for (let series = 0; series < 6; series++) await planner.next();
  expect([...new Set(planned)]).toEqual(['SEEN 1h', 'SEEN 1d', 'AFAR 1h', 'AFAR 1d']);
});

it('two forecasters score what closes, each point once', { timeout: 240_000 }, async () => {
  await write('WALK', -200, walk(200));
  const settings = {
    DATABASE_URL: server.asRole('tapecast_forecaster'),
    QUEUE_URL: queue.url,
    FORECAST_THREADS: '1',
    FORECAST_BACKTESTS: '0',
  };
  const env = Object.entries(settings).map(([name, value]) => `${name}=${value}`);
  for (let i = 0; i < 2; i++) {
    processes.push(await startServerProcess('/usr/bin/env', [...env, process.execPath, MAIN], /"msg":"started"/));
  }
  const soon = { timeout: 70_000, interval: 200 };
  const card = (kind: 'live' | 'backtest') => readScorecard(db, { ticker: 'WALK', resolution: '1h', kind });
  await vi.waitFor(
    async () => expect(await readForecast(db, { ticker: 'WALK', resolution: '1h' })).not.toBeNull(),
    soon,
  );
  expect((await card('live')).shown).toBeNull();
  await write('WALK', 0, [101, 102]);
  await vi.waitFor(async () => expect((await card('live')).shown?.overall.points).toBeGreaterThan(0), soon);
  expect(await card('live')).toMatchObject({
    simulated: true,
    shown: {
      horizons: [
        { step: 1, points: 1 },
        { step: 2, points: 1 },
      ],
    },
  });
});
