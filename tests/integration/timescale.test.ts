/** What only a real TimescaleDB can show: compressed chunks, policies, the move there and the way back. */
import { type Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds } from '@tapecast/contracts/units';
import { readSeries } from '@tapecast/db/bars';
import { type Database, openDatabase } from '@tapecast/db/database';
import { readEpoch } from '@tapecast/db/epoch';
import { CORE_MIGRATIONS, dbmate, migrate, TIMESCALE_MIGRATIONS } from '@tapecast/db/migrate';
import { readHeads } from '@tapecast/db/series';
import { ensureTickers } from '@tapecast/db/tickers';
import { moveToTimescale } from '@tapecast/db/timescale-move';
import { type PriceRow, writeBars } from '@tapecast/db/write-bars';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { from as copyFrom } from 'pg-copy-streams';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDatabase } from '../support/postgres.ts';
import { createTimescaleDatabase } from './conformance-servers.ts';

const adminUrl = process.env['TEST_TIMESCALE_URL'];
const AAPL = 'AAPL' as Ticker;
const DAY = 86_400;
const START = Date.UTC(2025, 5, 2) / 1_000;

function bars(count: number, stepSeconds: number, ticker = 'AAPL', close = 100): PriceRow[] {
  return Array.from({ length: count }, (_, index) => ({
    time: unixSeconds(START + index * stepSeconds),
    ticker,
    open: close,
    high: close + 2,
    low: close - 2,
    close: close + (index % 3) / 3,
    closeAdj: index % 2 === 0 ? close : null,
    volume: index,
    source: 'test',
  }));
}

it('a server without the extension says how to get it, and the database stays as it is', async () => {
  const plain = await createDatabase();
  try {
    await expect(moveToTimescale({ url: plain.url })).rejects.toThrow(/shared_preload_libraries/);
    expect(await migrate({ url: plain.url })).toEqual({ timescale: null });
  } finally {
    await plain.drop();
  }
});

describe.skipIf(adminUrl === undefined)('a real TimescaleDB', () => {
  let server: { url: string; drop(): Promise<void> };
  let db: Database;

  beforeEach(async () => {
    server = await createTimescaleDatabase(adminUrl ?? '');
    db = openDatabase({ url: server.url, applicationName: 'timescale test' });
  });
  afterEach(async () => {
    await db.close();
    await server.drop();
  });
  const query = async <T extends Record<string, unknown>>(text: string): Promise<T[]> =>
    (await db.pool.query<T>(text)).rows;
  /** The server's own policy may be at the same rollup: then it says so, and one comes after it. */
  const refresh = (rollup: string, from = 'NULL', to = 'NULL'): Promise<unknown> =>
    vi.waitFor(() => query(`CALL refresh_continuous_aggregate('${rollup}', ${from}, ${to})`), {
      timeout: 60_000,
      interval: 250,
    });
  const head = async (): Promise<number> =>
    (await readSeries(db, { ticker: AAPL, resolution: '1m', limit: 1 }))?.revision ?? -1;

  it('has chunks, columns and policies as documented; nothing is forgotten by default', async () => {
    expect((await migrate({ url: server.url })).timescale).toMatch(/^2\.\d+/);
    const chunks = await query(
      `SELECT hypertable_name AS name, extract(epoch FROM time_interval)::int / ${DAY} AS days FROM timescaledb_information.dimensions
       WHERE hypertable_name LIKE 'stock\\_prices%' ORDER BY 1`,
    );
    expect(chunks).toEqual([
      { name: 'stock_prices_1d', days: 3_650 },
      { name: 'stock_prices_1h', days: 90 },
      { name: 'stock_prices_1m', days: 1 },
    ]);
    const jobs = await query<{ proc: string; n: number }>(
      `SELECT proc_name AS proc, count(*)::int AS n FROM timescaledb_information.jobs
       WHERE proc_name LIKE 'policy\\_%' AND hypertable_name IS NOT NULL GROUP BY 1 ORDER BY 1`,
    );
    expect(jobs).toEqual([
      { proc: 'policy_compression', n: 3 },
      { proc: 'policy_refresh_continuous_aggregate', n: 2 },
    ]);
  });

  it('revises compressed chunks: UPDATE, upsert, an upsert without news, and COPY', async () => {
    await migrate({ url: server.url });
    await ensureTickers(db, [AAPL]);
    const rows = bars(3_000, 60);
    await writeBars(db, '1m', rows);
    await query(`SELECT compress_chunk(c) FROM show_chunks('stock_prices_1m') c`);
    const [packed] = await query<{ n: number }>(
      `SELECT count(*)::int AS n FROM timescaledb_information.chunks WHERE hypertable_name = 'stock_prices_1m' AND is_compressed`,
    );
    expect(packed?.n).toBe(3);
    const before = await head();
    const epoch = await readEpoch(db);

    expect((await writeBars(db, '1m', rows)).changed).toBe(0);
    expect(await head()).toBe(before);
    await query(`UPDATE stock_prices_1m SET volume = 7 WHERE time = to_timestamp(${START})`);
    expect(await head()).toBe(before + 1);
    expect((await writeBars(db, '1m', bars(2_000, 60, 'AAPL', 200).slice(1_990))).changed).toBe(10);
    expect(await head()).toBe(before + 2);

    const client = await db.pool.connect();
    try {
      const csv = bars(500, 60).map(
        (bar) => `${new Date((bar.time + 30) * 1_000).toISOString()},AAPL,1,2,1,1.5,,9,copied\n`,
      );
      await pipeline(Readable.from(csv), client.query(copyFrom('COPY stock_prices_1m FROM STDIN WITH (FORMAT csv)')));
    } finally {
      client.release();
    }
    expect(await head()).toBe(before + 3);
    expect(await readEpoch(db)).toBe(epoch);
    const changed = await query<{ n: number }>(
      `SELECT count(*)::int AS n FROM series_changes WHERE revision > ${before}`,
    );
    expect(changed[0]?.n).toBe(9 + 1);
    const [counted] = await query<{ n: number }>(
      `SELECT count(*)::int AS n FROM stock_prices_1m WHERE close IS NOT NULL`,
    );
    expect(counted?.n).toBe(3_500);
  });

  it('moves a plain database without losing a row, a view, a right or a revision', async () => {
    await dbmate(server.url, CORE_MIGRATIONS, ['migrate']);
    await ensureTickers(db, [AAPL, 'MSFT']);
    await writeBars(db, '1m', [...bars(4_000, 60), ...bars(4_000, 60, 'MSFT')]);
    await writeBars(db, '1h', bars(4_000, 3_600));
    await writeBars(db, '1d', bars(3_303, DAY));
    await query(`
      CREATE VIEW daily AS SELECT ticker, time_bucket('1 day', time) AS day, first(open, time) AS open, last(close, time) AS close
        FROM stock_prices_1h GROUP BY 1, 2;
      COMMENT ON VIEW daily IS 'my days'; COMMENT ON COLUMN daily.close IS 'the last';
      GRANT SELECT ON daily TO tapecast_web;
      CREATE VIEW monthly WITH (security_barrier = true) AS SELECT time_bucket('1 month', day, 'America/New_York') AS month, max(close) AS high FROM daily GROUP BY 1;
      CREATE MATERIALIZED VIEW kept AS SELECT * FROM monthly;
      CREATE UNIQUE INDEX kept_month ON kept (month);`);
    const look = () =>
      query(`SELECT 'daily' AS v, json_agg(d ORDER BY day)::text AS j FROM daily d UNION ALL SELECT 'monthly', json_agg(m ORDER BY month)::text FROM monthly m
        UNION ALL SELECT 'kept', json_agg(k ORDER BY month)::text FROM kept k
        UNION ALL SELECT '5m', md5(json_agg(b ORDER BY ticker, time)::text) FROM stock_prices_5m b UNION ALL SELECT '1w', md5(json_agg(b ORDER BY ticker, time)::text) FROM stock_prices_1w b
        UNION ALL SELECT 'all', md5(json_agg(b ORDER BY resolution, ticker, time)::text) FROM stock_prices b
        UNION ALL SELECT 'roll', md5(json_agg((ticker, time, open, high, low, close, volume, turnover::numeric(20, 4), bars) ORDER BY ticker, time)::text) FROM stock_rollup_1d b
        UNION ALL SELECT relname, relacl::text || coalesce(reloptions::text, '') || obj_description(oid) FROM pg_class WHERE relname IN ('daily', 'monthly', 'stock_prices_5m', 'stock_rollup_1h')
        UNION ALL SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 'kept' ORDER BY 1`);
    const [before, heads] = [await look(), await readHeads(db)];

    const steps: string[] = [];
    const moved = await moveToTimescale({ url: server.url, onProgress: (step) => steps.push(step) });
    expect(moved).toMatchObject({
      moved: true,
      rows: { stock_prices_1m: 8_000, stock_prices_1h: 4_000, stock_prices_1d: 3_303 },
    });
    expect(steps.length).toBe(3);
    expect(await look()).toEqual(before);
    expect(await readHeads(db)).toEqual(heads);
    expect(await moveToTimescale({ url: server.url })).toMatchObject({ moved: false });
  });

  it('undoes a move that something stands in the way of, and names it', async () => {
    await dbmate(server.url, CORE_MIGRATIONS, ['migrate']);
    await query(`CREATE INDEX by_hour ON stock_prices_1m (time_bucket('1 hour', time))`);
    await query(`CREATE VIEW mine AS SELECT time_bucket('1 hour', time) FROM stock_prices_1m`);
    await expect(moveToTimescale({ url: server.url })).rejects.toThrow(/nothing has changed[\s\S]*by_hour/);
    expect(await query(`SELECT * FROM mine`)).toEqual([]);
    expect(await query(`SELECT FROM pg_extension WHERE extname = 'timescaledb'`)).toEqual([]);
  });

  it('goes back to plain tables, step by step, with every row, right and trigger', async () => {
    await migrate({ url: server.url });
    await ensureTickers(db, [AAPL]);
    await writeBars(db, '1m', bars(3_000, 60));
    await query(`SELECT compress_chunk(c) FROM show_chunks('stock_prices_1m') c LIMIT 1`);
    await query(`CREATE VIEW mine AS SELECT ticker, max(high) AS high FROM stock_rollup_1d GROUP BY 1`);
    const look = () =>
      query(`SELECT 'rows' AS v, md5(json_agg(b ORDER BY time)::text) AS j FROM stock_prices_1m b UNION ALL SELECT 'mine', json_agg(m)::text FROM mine m
        UNION ALL SELECT relname, relacl::text FROM pg_class WHERE relname ~ '^stock_prices_1[mhd]$'
        UNION ALL SELECT tgname, count(*)::text FROM pg_trigger WHERE tgname IN ('inserted', 'updated', 'moved', 'deleted', 'truncated')
          AND tgrelid::regclass::text ~ '^stock_prices' GROUP BY tgname ORDER BY 1`);
    const [before, heads] = [await look(), await readHeads(db)];
    for (let step = 0; step < 5; step++) await dbmate(server.url, TIMESCALE_MIGRATIONS, ['down']);
    expect(await query(`SELECT FROM timescaledb_information.hypertables WHERE hypertable_schema = 'public'`)).toEqual(
      [],
    );
    expect(await look()).toEqual(before);
    expect(await readHeads(db)).toEqual(heads);
    await writeBars(db, '1m', bars(1, 60, 'AAPL', 300));
    expect(await head()).toBe(Number(heads.heads[0]?.revision) + 1);
    await migrate({ url: server.url });
    expect((await query(`SELECT high FROM mine`))[0]).toEqual({ high: 302 });
  });

  it('rolls up old bars when they are refreshed, and the newest at once', async () => {
    await migrate({ url: server.url });
    await ensureTickers(db, [AAPL]);
    await writeBars(db, '1m', bars(3_000, 60));
    await refresh('stock_rollup_1h');
    const first = async () =>
      (await query(`SELECT close, bars::int AS bars FROM stock_rollup_1h ORDER BY time LIMIT 1`))[0];
    expect(await first()).toEqual({ close: 100 + 2 / 3, bars: 60 });
    await query(`UPDATE stock_prices_1m SET close = 101 WHERE time = to_timestamp(${START + 59 * 60})`);
    await refresh('stock_rollup_1h');
    expect(await first()).toEqual({ close: 101, bars: 60 });
    await writeBars(db, '1m', [{ ...bars(1, 60)[0], time: unixSeconds(START + 400 * DAY) } as PriceRow]);
    const newest = await query(`SELECT bars::int AS bars FROM stock_rollup_1d ORDER BY time DESC LIMIT 1`);
    expect(newest).toEqual([{ bars: 1 }]);
  });

  it('forgets by resolution when told to; the rollups and the epoch stay', async () => {
    await migrate({ url: server.url });
    await ensureTickers(db, [AAPL]);
    await writeBars(db, '1m', bars(3_000, 60));
    await writeBars(db, '1m', [
      { ...bars(1, 60)[0], time: unixSeconds(Math.floor(Date.now() / 60_000) * 60) } as PriceRow,
    ]);
    await refresh('stock_rollup_1h');
    await refresh('stock_rollup_1d');
    await expect(query(`SELECT set_price_retention('1m', '5 days')`)).rejects.toThrow(/keep at least/);
    await query(`SELECT set_price_retention('1m', '90 days')`);
    const epoch = await readEpoch(db);
    // The scheduler runs a new policy at once; what it dropped must not be refreshed away.
    await expect
      .poll(() => query(`SELECT count(*)::int AS n FROM stock_prices_1m`), { timeout: 20_000, interval: 250 })
      .toEqual([{ n: 1 }]);
    await refresh('stock_rollup_1h', `now() - interval '88 days'`, 'now()');
    await refresh('stock_rollup_1d');
    expect(await query(`SELECT sum(bars)::int AS n FROM stock_rollup_1h`)).toEqual([{ n: 3_001 }]);
    expect(await query(`SELECT sum(bars)::int AS n FROM stock_rollup_1d`)).toEqual([{ n: 3_001 }]);
    expect(await readEpoch(db)).toBe(epoch);
    await query(`SELECT set_price_retention('1m', NULL)`);
    expect(
      await query(
        `SELECT FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention' AND hypertable_name = 'stock_prices_1m'`,
      ),
    ).toEqual([]);
  });
});
