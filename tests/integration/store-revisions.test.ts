/** What resume stands on: revisions in commit order, locks in one order, bounded hints, an epoch for what cannot be told. */
import { BARS_CHANNEL, BarsHint } from '@tapecast/contracts/notify';
import { type Ticker } from '@tapecast/contracts/ticker';
import { revision, unixSeconds } from '@tapecast/contracts/units';
import { readChanges, readSeries } from '@tapecast/db/bars';
import { type Database, openDatabase } from '@tapecast/db/database';
import { readEpoch, renewEpoch } from '@tapecast/db/epoch';
import { type Listener, openListener } from '@tapecast/db/listen';
import { readHeads } from '@tapecast/db/series';
import { ensureTickers } from '@tapecast/db/tickers';
import { writeBars } from '@tapecast/db/write-bars';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let server: TestDatabase;
let db: Database;
let listener: Listener | undefined;
const clients: pg.Client[] = [];
const AAPL = 'AAPL' as Ticker;

beforeEach(async () => {
  server = await createDatabase();
  db = openDatabase({ url: server.url, applicationName: 'test', maxConnections: 20 });
  await ensureTickers(db, [AAPL]);
});
afterEach(async () => {
  await listener?.close();
  listener = undefined;
  await Promise.all(clients.splice(0).map((client) => client.end()));
  await db.close();
  await server.drop();
});

async function connect(): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: server.url });
  await client.connect();
  clients.push(client);
  return client;
}

async function hear(): Promise<{ hints: unknown[]; malformed: string[] }> {
  const heard: { hints: unknown[]; malformed: string[] } = { hints: [], malformed: [] };
  await new Promise<void>((resolve) => {
    listener = openListener({
      url: server.url,
      applicationName: 'test',
      channels: { [BARS_CHANNEL]: (payload) => heard.hints.push(payload) },
      onReady: resolve,
      onLost: () => undefined,
      onMalformed: (_channel, text) => heard.malformed.push(text),
    });
  });
  return heard;
}

const insertBar = (minute: number) => `
  INSERT INTO stock_prices_1m SELECT to_timestamp(1767225600 + ${minute} * 60), 'AAPL', 1, 2, 1, 1.5, NULL, 1, 'test'`;

/** Holds what a client would: resumes from its revision and keeps the bars. */
async function resume(held: { revision: number; bars: Map<number, number | null> }): Promise<void> {
  const page = await readChanges(db, { ticker: AAPL, resolution: '1m', after: revision(held.revision) });
  for (const bar of page?.bars ?? []) held.bars.set(bar[0], bar[4]);
  held.revision = page?.revision ?? held.revision;
}

/** Two writers of one series; the one that writes first commits last. A reader resumes in between. */
async function commitOutOfOrder(): Promise<Map<number, number | null>> {
  const [first, second] = [await connect(), await connect()];
  const held = { revision: 0, bars: new Map<number, number | null>() };
  await first.query('BEGIN');
  await first.query(insertBar(1));
  // With the row lock the second writer waits; without it, it would commit a higher revision first.
  const secondDone = second.query(insertBar(2));
  await Promise.race([secondDone, new Promise((resolve) => setTimeout(resolve, 300))]);
  await resume(held);
  await first.query('COMMIT');
  await secondDone;
  await resume(held);
  return held.bars;
}

describe('writers that commit out of order', () => {
  it('lose no bar for a reader that resumes in between', async () => {
    expect((await commitOutOfOrder()).size).toBe(2);
  });

  it('would lose one if the revision came from a sequence', async () => {
    const admin = await connect();
    await admin.query('CREATE SEQUENCE revisions');
    await admin.query(`
      CREATE OR REPLACE FUNCTION prices_changed() RETURNS trigger LANGUAGE plpgsql AS $$
      DECLARE next bigint := nextval('revisions');
      BEGIN
        INSERT INTO series_changes SELECT DISTINCT ticker, '1m', date_bin('1 minute', time, '2000-01-03Z'), next FROM changed;
        RETURN NULL;
      END $$`);
    // What a reader would take for the head: the newest revision that it can see.
    await admin.query(`DROP TABLE series`);
    await admin.query(
      `CREATE VIEW series AS SELECT ticker, resolution, max(revision) AS revision FROM series_changes GROUP BY 1, 2`,
    );
    expect((await commitOutOfOrder()).size).toBe(1);
  });
});

/** Writers upsert the same 500 series again and again, each in an order of its own. Answers how many were refused. */
async function upsertInOppositeOrders(lockFirst: boolean): Promise<number> {
  const tickers = Array.from({ length: 500 }, (_, i) => `T${String(i).padStart(3, '0')}`);
  let deadlocks = 0;
  const write = async (client: pg.Client, order: string[], close: number): Promise<void> => {
    await client.query('BEGIN');
    try {
      if (lockFirst) await client.query(`SELECT lock_series($1, ARRAY['1m'])`, [order]);
      for (let start = 0; start < order.length; start += 100) {
        await client.query(
          `INSERT INTO stock_prices_1m SELECT '2026-01-01Z', t, 1, 100, 1, $2, NULL, 1, 'test' FROM unnest($1::text[]) t
           ON CONFLICT (ticker, time) DO UPDATE SET close = excluded.close`,
          [order.slice(start, start + 100), close],
        );
      }
      await client.query('COMMIT');
    } catch (error) {
      await client.query('ROLLBACK');
      if (!(error instanceof pg.DatabaseError) || error.code !== '40P01') throw error;
      deadlocks++;
    }
  };
  const writers = await Promise.all([connect(), connect(), connect()]);
  await Promise.all(
    writers.map(async (client, index) => {
      const order = index % 2 === 0 ? tickers : tickers.toReversed();
      for (let round = 0; round < 4; round++) await write(client, order, 2 + index * 10 + round);
    }),
  );
  return deadlocks;
}

describe('writers of the same 500 series in opposite order', () => {
  it('wait for each other when they lock first', async () => {
    expect(await upsertInOppositeOrders(true)).toBe(0);
  });

  it('would deadlock if they did not', async () => {
    expect(await upsertInOppositeOrders(false)).toBeGreaterThan(0);
  });

  it('are all carried out by writeBars, whatever order the rows have', async () => {
    const tickers = Array.from({ length: 500 }, (_, i) => `T${i}`);
    const rows = (order: string[], close: number) =>
      order.map((ticker) => ({
        time: unixSeconds(1_767_225_600),
        ticker,
        open: 1,
        high: 100,
        low: 1,
        close,
        closeAdj: null,
        volume: 1,
        source: 'test',
      }));
    await Promise.all(
      [1, 2, 3, 4].map(async (writer) => {
        for (let round = 0; round < 3; round++) {
          await writeBars(db, '1m', rows(writer % 2 === 0 ? tickers : tickers.toReversed(), writer * 10 + round));
        }
      }),
    );
    const { heads } = await readHeads(db);
    expect(new Set(heads.filter((head) => head.ticker !== AAPL).map((head) => head.revision))).toEqual(new Set([12]));
  });
});

describe('hints', () => {
  it('carry the bars of a small change, exactly', async () => {
    const heard = await hear();
    await (await connect()).query(insertBar(0));
    await vi.waitFor(() => expect(heard.hints).toHaveLength(1));
    expect(BarsHint.parse(heard.hints[0])).toMatchObject({
      epoch: await readEpoch(db),
      series: [{ ticker: 'AAPL', resolution: '1m', prev: 0, revision: 1, bars: [[1_767_225_600, 1, 2, 1, 1.5, 1]] }],
    });
  });

  it('of 10,000 bars in one series are one range, one revision and few buckets', async () => {
    const heard = await hear();
    const client = await connect();
    await client.query(`
      INSERT INTO stock_prices_1h SELECT to_timestamp(1577836800 + n * 3600), 'AAPL', 1, 2, 1, 1.5, NULL, 1, 'test' FROM generate_series(1, 10000) n`);
    await vi.waitFor(() => expect(heard.hints).toHaveLength(1));
    expect(BarsHint.parse(heard.hints[0]).series).toEqual([
      {
        ticker: 'AAPL',
        resolution: '1h',
        prev: 0,
        revision: 1,
        from: 1_577_836_800 + 3_600,
        to: 1_577_836_800 + 36_000_000,
      },
    ]);
    const { rows } = await client.query<{ n: number }>('SELECT count(*)::int AS n FROM series_changes');
    expect(rows[0]?.n).toBeLessThan(110);
  });

  it('of 10,000 series travel several to a payload, none too long, none lost', async () => {
    const heard = await hear();
    await (
      await connect()
    ).query(`
      INSERT INTO stock_prices_1d SELECT '2026-01-01Z', 'T' || n, 1.1, 2.2, 1.05, 1.55, NULL, n, 'test' FROM generate_series(1, 10000) n`);
    await vi.waitFor(() => expect(heard.hints.flatMap((hint) => BarsHint.parse(hint).series)).toHaveLength(10_000), {
      timeout: 10_000,
    });
    expect(heard.hints.length).toBeLessThan(400);
    const longest = Math.max(...heard.hints.map((hint) => JSON.stringify(hint).length));
    expect(longest).toBeLessThan(8_000);
  });

  // Pair by pair it took minutes. The limit is no measurement: it stands ten times above what is needed.
  it('of 10,000 new series do not wait for statistics that know fifty others', async () => {
    const heard = await hear();
    const client = await connect();
    const insert = (table: 'stock_prices_1h' | 'stock_prices_1d', prefix: string, count: number) =>
      client.query(
        `INSERT INTO ${table} SELECT '2026-01-01Z', $1 || n, 1, 2, 1, 1.5, NULL, n, 'test' FROM generate_series(1, $2::int) n`,
        [prefix, count],
      );
    await insert('stock_prices_1h', 'KNOWN', 50);
    await client.query('ANALYZE series, series_changes');
    await client.query('SET statement_timeout = 20000');
    await insert('stock_prices_1d', 'NEW', 10_000);
    await vi.waitFor(() => expect(heard.hints.flatMap((hint) => BarsHint.parse(hint).series)).toHaveLength(10_050), {
      timeout: 10_000,
    });
  });

  it.each([1, 20, 38, 39, 40, 41, 60])('with %i long bars of several series never reach 8,000 bytes', async (count) => {
    const heard = await hear();
    const client = await connect();
    await client.query(
      `INSERT INTO stock_prices_1m SELECT to_timestamp(1767225600 + n * 60), 'LONG-TICKER-NAME.WITH=' || s,
         0.1 + 0.2, 123456789.12345678, 1.0000000000000002e-9, 98765.432109876543, NULL, 123456789012.34567, 'test'
       FROM generate_series(1, $1) n, generate_series(1, 7) s`,
      [count],
    );
    await vi.waitFor(() => expect(heard.hints.flatMap((hint) => BarsHint.parse(hint).series)).toHaveLength(7));
  });

  it('that are not JSON are dropped, and the next one is heard', async () => {
    const heard = await hear();
    const client = await connect();
    await client.query(`NOTIFY ${BARS_CHANNEL}, 'not json'`);
    await client.query(insertBar(0));
    await vi.waitFor(() => expect(heard.hints).toHaveLength(1));
    expect(heard.malformed).toEqual(['not json']);
  });
});

describe('the epoch', () => {
  it.each([
    ['DELETE', `DELETE FROM stock_prices_1m WHERE ticker = 'AAPL'`],
    ['TRUNCATE', 'TRUNCATE stock_prices_1m'],
    ['a moved key', `UPDATE stock_prices_1m SET time = time + interval '1 minute'`],
    ['TRUNCATE of the revisions', 'TRUNCATE series'],
  ])('changes with %s, and listeners are told', async (_what, statement) => {
    const client = await connect();
    await client.query(insertBar(0));
    const before = await readEpoch(db);
    const heard = await hear();
    await client.query(statement);
    const after = await readEpoch(db);
    expect(after).not.toBe(before);
    await vi.waitFor(() => expect(heard.hints.map((hint) => BarsHint.parse(hint).epoch)).toContain(after));
    expect((await readSeries(db, { ticker: AAPL, resolution: '1m', limit: 5 }))?.epoch).toBe(after);
  });

  it('does not change with INSERT and UPDATE', async () => {
    const before = await readEpoch(db);
    const client = await connect();
    await client.query(insertBar(0));
    await client.query('UPDATE stock_prices_1m SET close = 1.7');
    expect(await readEpoch(db)).toBe(before);
  });

  it('is renewed once, however many hubs ask for it', async () => {
    const before = await readEpoch(db);
    const answers = await Promise.all(Array.from({ length: 8 }, () => renewEpoch(db, before)));
    expect(new Set(answers).size).toBe(1);
    expect(answers[0]).not.toBe(before);
  });
});
