/** Old runs of the lab are forgotten, what they count for is not. */
import { fileURLToPath } from 'node:url';
import { LabSettings } from '@tapecast/contracts/lab';
import { type Epoch, type Revision } from '@tapecast/contracts/units';
import { openDatabase, type Database } from '@tapecast/db/database';
import { beginLabRun, cancelLabRun, createLabRun, finishLabRun, pruneLabRuns, readLabRun } from '@tapecast/db/lab-runs';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

const MAIN = fileURLToPath(new URL('../../apps/forecaster/src/main.ts', import.meta.url));

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let database: TestDatabase;
let owner: pg.Client;
let web: Database;
let forecaster: Database;

beforeAll(async () => {
  database = await createDatabase();
  owner = new pg.Client({ connectionString: database.url });
  await owner.connect();
  web = openDatabase({ url: database.asRole('tapecast_web'), applicationName: 'test web' });
  forecaster = openDatabase({ url: database.asRole('tapecast_forecaster'), applicationName: 'test forecaster' });
});
afterAll(async () => {
  await Promise.all([web?.close(), forecaster?.close(), owner?.end()]);
  await database?.drop();
});

async function created(ticker: string, repeatOf?: number): Promise<number> {
  const settings = LabSettings.parse({
    ...{ ticker, resolution: '1d', model: 'ridge', features: ['returns'], tuning: false, horizon: 1, folds: 2 },
    ...{ split: 1_700_000_000, strategy: 'long-only', costBps: 1, bars: 250 },
  });
  const id = await createLabRun(web, { settings, seed: 1, repeatOf });
  if (id === null) throw new Error('too many runs are open');
  return id;
}

async function done(ticker: string, repeatOf?: number): Promise<number> {
  const id = await created(ticker, repeatOf);
  await beginLabRun(forecaster, id);
  const read = { epoch: 'an epoch' as Epoch, revision: 1 as Revision, dataHash: 'hash' };
  const kept = await finishLabRun(forecaster, id, {
    ...read,
    result: {} as never,
    resultHash: 'hash',
    verdict: 'same',
  });
  expect(kept).toBe(true);
  return id;
}

async function cancelled(ticker: string): Promise<number> {
  const id = await created(ticker);
  await cancelLabRun(web, id);
  return id;
}

const age = (days: number, ...ids: number[]) =>
  owner.query("UPDATE lab_runs SET finished_at = now() - $1 * interval '1 day' WHERE id = ANY ($2)", [days, ids]);
const attemptOf = async (id: number) => (await readLabRun(web, id))?.attempt;
const left = async (...ids: number[]) => {
  const runs = await Promise.all(ids.map((id) => readLabRun(web, id)));
  return runs.flatMap((run) => (run === null ? [] : [run.id]));
};

it('old runs go; the number of tries, open runs and what a kept run repeats stay', async () => {
  const [first, repeated] = [await done('A'), await done('A')];
  const repetition = await done('A', repeated);
  const dropped = await cancelled('A');
  const newest = await done('A');
  const open = await created('A');
  expect([await attemptOf(first), await attemptOf(repetition), await attemptOf(newest)]).toEqual([1, 2, 3]);
  const other = await done('B');

  await age(100, first, repeated, dropped, newest, other);
  await age(50, repetition);
  expect(await pruneLabRuns(forecaster, 200)).toBe(0);
  expect(await pruneLabRuns(forecaster, 90)).toBe(2);
  expect(await left(first, repeated, repetition, dropped, newest, open, other)).toEqual([
    repeated,
    repetition,
    newest,
    open,
    other,
  ]);
  await cancelLabRun(web, open);
  expect(await attemptOf(await cancelled('A'))).toBe(4);
  expect(await attemptOf(await cancelled('A'))).toBe(4);
  expect(await attemptOf(await cancelled('B'))).toBe(2);

  await age(100, repetition);
  await pruneLabRuns(forecaster, 90);
  await pruneLabRuns(forecaster, 90);
  expect(await left(repeated, repetition, newest)).toEqual([newest]);
  expect(await attemptOf(await done('A'))).toBe(4);
});

it('a run of later that is cancelled holds no count: the one before it stays', async () => {
  const last = await done('C');
  const later = await cancelled('C');
  await age(100, last, later);
  await pruneLabRuns(forecaster, 90);
  expect(await left(last, later)).toEqual([last]);
});

it('the web may forget nothing', async () => {
  await expect(pruneLabRuns(web, 1)).rejects.toThrow('permission denied');
});

it('a forecaster forgets what is older than it is told to keep, and with 0 nothing', async () => {
  const queue = await createDatabase({ empty: true });
  const start = (days: string): Promise<ServerProcess> =>
    startServerProcess(process.execPath, [MAIN], /"msg":"started"/, {
      ...{
        PATH: process.env['PATH'] ?? '',
        DATABASE_URL: database.asRole('tapecast_forecaster'),
        QUEUE_URL: queue.url,
      },
      ...{ FORECAST_THREADS: '1', FORECAST_BACKTESTS: '0', METRICS_PORT: '0', LAB_KEEP_DAYS: days },
    });
  const [old, young] = [await cancelled('D'), await cancelled('D')];
  await age(3, old);
  await age(1, young);
  const keeping = await start('0');
  const forgetting = await start('2');
  try {
    await vi.waitFor(async () => expect(await left(old, young)).toEqual([young]), { timeout: 90_000, interval: 100 });
    await vi.waitFor(() => expect(forgetting.output()).toContain('old runs of the lab forgotten'), { timeout: 30_000 });
    expect(keeping.output()).not.toContain('old runs of the lab forgotten');
  } finally {
    await Promise.all([keeping.end(), forgetting.end()]);
    await queue.drop();
  }
});
