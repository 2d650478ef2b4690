/** Each service may do what it must, and no more. */
import { unixSeconds } from '@tapecast/contracts/units';
import { readSeries } from '@tapecast/db/bars';
import { type Database, openDatabase } from '@tapecast/db/database';
import { readEpoch, renewEpoch } from '@tapecast/db/epoch';
import { recordPoll } from '@tapecast/db/feed';
import { readForecast, saveForecasts } from '@tapecast/db/forecasts';
import { assertSchema } from '@tapecast/db/migrate';
import { recordRejections } from '@tapecast/db/rejections';
import { SERVICE_ROLES, type ServiceRole } from '@tapecast/db/roles';
import { describeTicker, ensureTickers } from '@tapecast/db/tickers';
import { writeBars } from '@tapecast/db/write-bars';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let server: TestDatabase;
const as = {} as Record<ServiceRole, Database>;
const BAR = {
  time: unixSeconds(1_767_225_600),
  ticker: 'AAPL',
  open: 1,
  high: 2,
  low: 1,
  close: 1.5,
  closeAdj: null,
  volume: 1,
  source: 'test',
};
const FORECAST = {
  ticker: 'AAPL',
  resolution: '1h' as const,
  madeAt: unixSeconds(1_767_225_600),
  source: 'test',
  levels: [0.1, 0.5, 0.9],
  models: [
    { model: 'last-price', shown: true, points: [{ targetTime: unixSeconds(1_767_229_200), values: [1, 2, 3] }] },
  ],
};

beforeAll(async () => {
  server = await createDatabase();
  for (const role of SERVICE_ROLES) as[role] = openDatabase({ url: server.asRole(role), applicationName: role });
  await ensureTickers(as.tapecast_ingestor, ['AAPL']);
});
afterAll(async () => {
  await Promise.all(Object.values(as).map((db) => db.close()));
  await server.drop();
});

const refused = /permission denied|must be owner/;

it('the ingestor writes tickers, bars, rejections and its feed', async () => {
  const db = as.tapecast_ingestor;
  await describeTicker(db, 'AAPL', { name: 'Apple Inc.' });
  expect(await writeBars(db, '1m', [BAR])).toEqual({ changed: 1 });
  await recordPoll(db, { source: 'test', pollSeconds: 1, ok: true });
  await recordRejections(db, [
    { ticker: 'AAPL', resolution: null, reason: 'zero price', raw: { price: Number.NaN, odd: '\u0000' } },
  ]);
  await expect(saveForecasts(db, FORECAST)).rejects.toThrow(refused);
});

it('the forecaster adds forecasts once and reads them as known', async () => {
  const db = as.tapecast_forecaster;
  expect(await saveForecasts(db, FORECAST)).toEqual({ inserted: 1 });
  expect(await saveForecasts(db, FORECAST)).toEqual({ inserted: 0 });
  const forecast = await readForecast(db, { ticker: 'AAPL', resolution: '1h' });
  expect(forecast).toEqual({
    ticker: 'AAPL',
    resolution: '1h',
    model: 'last-price',
    madeAt: 1_767_225_600,
    source: 'test',
    quantiles: [0.1, 0.5, 0.9],
    points: [[1_767_229_200, 1, 2, 3]],
  });
  expect(await readForecast(db, { ticker: 'AAPL', resolution: '1h', asOf: unixSeconds(1_767_225_599) })).toBeNull();
  await expect(sql`UPDATE stock_forecasts SET shown = false`.execute(db.kysely)).rejects.toThrow(refused);
  await expect(writeBars(db, '1m', [BAR])).rejects.toThrow(refused);
});

it('the web reads, and may begin a new epoch', async () => {
  const db = as.tapecast_web;
  expect((await readSeries(db, { ticker: 'AAPL', resolution: '1m', limit: 5 }))?.bars).toHaveLength(1);
  const epoch = await readEpoch(db);
  expect(await renewEpoch(db, epoch)).not.toBe(epoch);
  await expect(writeBars(db, '1m', [BAR])).rejects.toThrow(refused);
  await expect(ensureTickers(db, ['MSFT'])).rejects.toThrow(refused);
});

describe.each(SERVICE_ROLES)('%s', (role) => {
  it.each([
    'DELETE FROM stock_prices_1m',
    'TRUNCATE stock_prices_1d',
    'DELETE FROM stock_forecasts',
    'DROP TABLE stock_tickers',
    'UPDATE series SET revision = 0',
    'UPDATE database_epoch SET id = gen_random_uuid()',
    'SELECT renew_epoch()',
    'CREATE TABLE mine (n integer)',
  ])('may not %s', async (statement) => {
    await expect(sql.raw(statement).execute(as[role].kysely)).rejects.toThrow(refused);
  });

  it('finds the schema that it was written for', async () => {
    await expect(assertSchema(as[role])).resolves.toBeUndefined();
  });
});
