/** The benchmark's own world: a database with histories, and a queue. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { migrate } from '@tapecast/db/migrate';
import pg from 'pg';
import { ensureDatabase } from '../../apps/local/src/databases.ts';
import { startPostgres } from '../../apps/local/src/embedded.ts';
import { startRedis } from '../../tests/support/redis.ts';

export interface JobsWorld {
  databaseUrl: string;
  queueUrl: string;
  /** Histories of which the newest bar of each series is still missing. */
  fillHistories(options: { tickers: number; bars: number }): Promise<void>;
  /** Every series gets its newest bar, at once: from now on all of them are due. */
  closeBar(): Promise<void>;
  close(): Promise<void>;
}

/** Keys of a New York stock's bars, newest first; all have closed days ago. */
const KEYS = {
  stock_prices_1h: `SELECT (day + time '09:30' + hour * interval '1 hour') AT TIME ZONE 'America/New_York' AS time
    FROM workday, generate_series(0, 6) hour`,
  stock_prices_1d: `SELECT day AT TIME ZONE 'UTC' AS time FROM workday`,
};
type Table = keyof typeof KEYS;
const TABLES: Table[] = ['stock_prices_1h', 'stock_prices_1d'];

export async function openJobsWorld(queue: 'postgres' | 'redis'): Promise<JobsWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'tapecast-bench-'));
  await chmod(folder, 0o711); // under root, PostgreSQL runs as another user that has to pass through
  const server = await startPostgres({ folder });
  const databaseUrl = server.url('postgres');
  const redis = queue === 'redis' ? await startRedis() : null;
  await migrate({ url: databaseUrl });
  await ensureDatabase(databaseUrl, 'queue');
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();

  /** Bars of all tickers from the `from`-th newest to the `to`-th. */
  async function insert(table: Table, from: number, to: number, bars: number): Promise<void> {
    await client.query(
      `WITH workday AS (
         SELECT day FROM (SELECT current_date - 2 - i AS day FROM generate_series(0, 2 * $3::int) i) d WHERE extract(isodow FROM day) < 6
       ), key AS (
         SELECT time, row_number() OVER (ORDER BY time DESC) AS newest FROM (${KEYS[table]}) k
       )
       INSERT INTO ${client.escapeIdentifier(table)}
       SELECT time, ticker, p, p * (1 + h), p * (1 - h), p, NULL, 1000 * h, 'simulated'
       FROM (SELECT time, ticker, newest, abs(hashtext(ticker || newest)) % 1000 / 2e5 AS h,
           100 * exp(sum(abs(hashtext(newest || ticker)) % 2001 / 1e5 - 0.01) OVER (PARTITION BY ticker ORDER BY newest DESC)) AS p
         FROM key, stock_tickers WHERE newest <= $3) walk
       WHERE newest BETWEEN $1 AND $2
       ORDER BY time`,
      [from, to, bars],
    );
  }

  let length = 0;
  return {
    databaseUrl,
    queueUrl: redis?.url ?? server.url('queue'),
    async fillHistories({ tickers, bars }) {
      length = bars;
      await client.query(
        `INSERT INTO stock_tickers (ticker, timezone, session_open, session_close, active)
         SELECT 'T' || i, 'America/New_York', 570, 960, false FROM generate_series(1, $1::int) i`,
        [tickers],
      );
      for (const table of TABLES) await insert(table, 2, bars, bars);
      await client.query('VACUUM ANALYZE stock_prices_1h, stock_prices_1d');
    },
    async closeBar() {
      await client.query('BEGIN');
      for (const table of TABLES) await insert(table, 1, 1, length);
      await client.query('UPDATE stock_tickers SET active = true');
      await client.query('COMMIT');
    },
    async close() {
      await client.end();
      await redis?.stop();
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
