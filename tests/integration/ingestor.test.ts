/** The ingestor as a whole, in this process: a local Yahoo, a real PostgreSQL that can be cut off. */
import { BarsHint } from '@tapecast/contracts/notify';
import { openDatabase, type Database } from '@tapecast/db/database';
import { readFeed } from '@tapecast/db/feed';
import { createLogger } from '@tapecast/runtime/logger';
import { type RunningService } from '@tapecast/runtime/service';
import pg from 'pg';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startIngestor } from '../../apps/ingestor/src/ingestor.ts';
import { loadSettings } from '../../apps/ingestor/src/settings.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startYahoo, type YahooStub } from '../support/yahoo/server.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

let test: TestDatabase;
let db: Database;
let stub: YahooStub;
let proxy: TcpProxy;
let listener: pg.Client;
let services: RunningService[];
/** Closes of DEMO's minutes, in the order of their revisions. */
let closes: number[];

beforeEach(async () => {
  services = [];
  closes = [];
  test = await createDatabase();
  db = openDatabase({ url: test.url, applicationName: 'ingestor test' });
  stub = await startYahoo({ dataDir: undefined });
  proxy = await startTcpProxy({ host: '127.0.0.1', port: Number(new URL(test.url).port) });
  listener = new pg.Client({ connectionString: test.url });
  await listener.connect();
  listener.on('notification', ({ payload }) => {
    for (const series of BarsHint.parse(JSON.parse(payload ?? '')).series) {
      if (series.ticker !== 'DEMO' || series.resolution !== '1m' || !('bars' in series)) continue;
      const close = series.bars.at(-1)?.[4];
      if (close != null) closes.push(close);
    }
  });
  await listener.query('LISTEN tapecast_bars');
});

afterEach(async () => {
  await Promise.all(services.map((service) => service.stop()));
  await listener.end();
  await proxy.close();
  await stub.close();
  await db.close();
  await test.drop();
});

async function start(env: Record<string, string> = {}): Promise<RunningService> {
  const url = new URL(test.asRole('tapecast_ingestor'));
  url.host = `127.0.0.1:${proxy.port}`;
  const settings = loadSettings({
    DATABASE_URL: url.href,
    PRICE_SOURCE: 'yahoo',
    YAHOO_ORIGIN: stub.origin,
    TICKERS: 'DEMO,COIN-USD',
    POLL_SECONDS: '1',
    VENDOR_REQUESTS_PER_SECOND: '50',
    ...env,
  });
  const service = await startIngestor(settings, {
    logger: createLogger({ service: 'ingestor', level: 'silent' }),
    signal: new AbortController().signal,
    registry: new Registry(),
  });
  services.push(service);
  return service;
}

const servedPrices = () => stub.served('DEMO').map(({ price }) => price);
/** Live closes only: a backfill's last bar is no served price. */
const servedCloses = () => closes.filter((close) => servedPrices().includes(close));

describe('the ingestor', () => {
  it('quotes at once, backfills meanwhile, and keeps its beat', async () => {
    await start();
    await expect.poll(() => servedCloses().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(3);
    expect(servedCloses()).toEqual(servedPrices().slice(0, servedCloses().length));
    const counts = async () => {
      const { rows } = await db.pool.query<{ n: number }>(
        `SELECT (SELECT count(*) FROM stock_prices_1m) AS n UNION ALL SELECT count(*) FROM stock_prices_1h UNION ALL SELECT count(*) FROM stock_prices_1d`,
      );
      return rows.map(({ n }) => Number(n));
    };
    await expect.poll(async () => (await counts()).every((n) => n > 20), { timeout: 15_000 }).toBe(true);
    expect(await readFeed(db)).toMatchObject({ source: 'yahoo', pollSeconds: 1, lastError: null });
  });

  it('keeps polls in memory while the database is away and writes each of them on return', async () => {
    const service = await start();
    await expect.poll(() => servedCloses().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(1);
    proxy.cut();
    await expect.poll(() => service.ready(), { timeout: 10_000 }).toContain('the database is away');
    const before = servedPrices().length;
    await expect.poll(() => servedPrices().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(before + 3);
    proxy.restore();
    // Histories wait longer after each failure, and are loaded before the service is ready again.
    await expect.poll(() => service.ready(), { timeout: 60_000 }).toEqual([]);
    const sofar = servedPrices().length;
    await expect.poll(() => servedCloses().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(sofar);
    expect(servedCloses()).toEqual(servedPrices().slice(0, servedCloses().length));
  }, 120_000);

  it('says that the feed failed, and that it recovered', async () => {
    await start();
    await expect.poll(() => servedCloses().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(1);
    stub.fault = '429';
    await expect.poll(async () => (await readFeed(db))?.lastError, { timeout: 10_000 }).toMatch(/429/);
    stub.fault = null;
    await expect.poll(async () => (await readFeed(db))?.lastError, { timeout: 20_000 }).toBeNull();
  });

  it('uses the table’s tickers once there are some, and refuses simulated prices beside real ones', async () => {
    const first = await start();
    await expect.poll(async () => (await readFeed(db))?.okAt ?? null, { timeout: 10_000 }).not.toBeNull();
    await first.stop();
    const second = await start({ TICKERS: 'OTHER' });
    await second.stop();
    expect(stub.requests.some((request) => request.includes('symbols=OTHER'))).toBe(false);
    await expect(start({ PRICE_SOURCE: 'simulated' })).rejects.toThrow(/never share a database/);
  });

  it('simulates when Yahoo does not answer at start', async () => {
    stub.fault = 'html';
    await start({ PRICE_SOURCE: 'auto', TICKERS: 'MSFT' });
    await expect.poll(async () => (await readFeed(db))?.source, { timeout: 10_000 }).toBe('simulated');
    stub.fault = null;
  });
});
