/** Any process may be killed at any moment, and an operator may type what he likes: every client ends with exactly the rows. */
import { type Client, createClient } from '@tapecast/client/client';
import type { Bar, LiveBar } from '@tapecast/contracts/bar';
import type { Resolution } from '@tapecast/contracts/resolution';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Product, type ProductProcess, startProduct } from '../support/product.ts';

const SERIES: { ticker: string; resolution: Resolution; view: string }[] = [
  { ticker: 'MSFT', resolution: '1m', view: 'stock_prices_1m' },
  { ticker: 'MSFT', resolution: '5m', view: 'stock_prices_5m' },
  { ticker: 'TSLA', resolution: '1h', view: 'stock_prices_1h' },
  { ticker: 'TSLA', resolution: '1d', view: 'stock_prices_1d' },
];
const CLIENTS = 20;
const LIMIT = 300;

interface Watcher {
  client: Client;
  bars: Map<string, Map<number, LiveBar>>;
}

let product: Product;
let watchers: Watcher[] = [];

beforeAll(async () => {
  product = await startProduct({ PRICE_SOURCE: 'simulated', POLL_SECONDS: '1', TICKERS: 'MSFT,TSLA' });
  watchers = Array.from({ length: CLIENTS }, () => watch(product.origin));
}, 120_000);
afterAll(async () => {
  for (const { client } of watchers) client.close();
  await product?.stop();
});

/** Holds nothing but what it is told. */
function watch(origin: string): Watcher {
  const client = createClient({ origin });
  const bars = new Map<string, Map<number, LiveBar>>();
  for (const { ticker, resolution } of SERIES) {
    const held = new Map<number, LiveBar>();
    bars.set(`${ticker} ${resolution}`, held);
    client.subscribe(
      { ticker, resolution, limit: LIMIT },
      {
        snapshot: (state) => {
          held.clear();
          for (const bar of state.bars) held.set(bar[0], bar);
        },
        change: (changes: Bar[]) => {
          for (const bar of changes) {
            if (bar[4] === null) held.delete(bar[0]);
            else held.set(bar[0], bar);
          }
        },
      },
    );
  }
  return { client, bars };
}

async function withSql<T>(work: (sql: pg.Client) => Promise<T>): Promise<T> {
  const sql = new pg.Client({ connectionString: await product.databaseUrl('tapecast_simulated') });
  sql.on('error', () => undefined);
  await sql.connect();
  try {
    return await work(sql);
  } finally {
    await sql.end();
  }
}

async function rowsOf(view: string, ticker: string): Promise<LiveBar[]> {
  return withSql(async (sql) => {
    const { rows } = await sql.query<{ bar: LiveBar }>(
      `SELECT json_build_array(extract(epoch FROM time)::bigint, open, high, low, close, volume) AS bar
       FROM ${view} WHERE ticker = $1 AND close IS NOT NULL ORDER BY time`,
      [ticker],
    );
    return rows.map((row) => row.bar);
  });
}

/** Halts the writer, waits for the last frames, and compares all bars of all clients with the rows. */
async function expectClientsEqualRows(): Promise<void> {
  const ingestor = product.pid('ingestor');
  process.kill(ingestor, 'SIGSTOP');
  try {
    await vi.waitFor(
      async () => {
        for (const { ticker, resolution, view } of SERIES) {
          const expected = await rowsOf(view, ticker);
          for (const { bars } of watchers) {
            const held = [...(bars.get(`${ticker} ${resolution}`)?.values() ?? [])].sort((a, b) => a[0] - b[0]);
            expect(held.length, `${ticker} ${resolution}`).toBeGreaterThanOrEqual(Math.min(expected.length, LIMIT) - 1);
            expect(held, `${ticker} ${resolution}`).toEqual(expected.slice(expected.length - held.length));
          }
        }
      },
      { timeout: 30_000, interval: 500 },
    );
  } finally {
    process.kill(ingestor, 'SIGCONT');
  }
}

async function headOfMinutes(): Promise<number> {
  return withSql(async (sql) => {
    const { rows } = await sql.query<{ revision: string }>(
      `SELECT revision FROM series WHERE ticker = 'MSFT' AND resolution = '1m'`,
    );
    return Number(rows[0]?.revision);
  });
}

describe('kill -9 of', () => {
  it.each<ProductProcess>(['ingestor', 'forecaster', 'web', 'postgres'])(
    'the %s',
    async (name) => {
      const before = product.pid(name);
      process.kill(before, 'SIGKILL');
      const patience = { timeout: 30_000, interval: 200 };
      await vi.waitFor(() => expect(product.pid(name)).not.toBe(before), patience);
      const states = () => new Set(watchers.map(({ client }) => client.connection.state));
      await vi.waitFor(() => expect(states()).toEqual(new Set(['connected'])), patience);
      // Prices flow again before they are compared.
      const head = await vi.waitFor(headOfMinutes, patience);
      await vi.waitFor(async () => expect(await headOfMinutes()).toBeGreaterThan(head), patience);
      await expectClientsEqualRows();
    },
    150_000,
  );
});

describe('an operator types', () => {
  const minutesAgo = (minutes: number) =>
    `ticker = 'MSFT' AND time = date_trunc('minute', now()) - interval '${minutes} minutes'`;

  it.each([
    ['an UPDATE', `UPDATE stock_prices_1m SET high = high + 1, close = high + 1 WHERE ${minutesAgo(20)}`],
    [
      'the withdrawal of a bar',
      `UPDATE stock_prices_1m SET open = NULL, high = NULL, low = NULL, close = NULL, close_adj = NULL, volume = NULL WHERE ${minutesAgo(21)}`,
    ],
    ['a DELETE', `DELETE FROM stock_prices_1m WHERE ${minutesAgo(22)}`],
    ['a TRUNCATE', 'TRUNCATE stock_prices_1h'],
  ])(
    '%s',
    async (_what, statement) => {
      await withSql((sql) => sql.query(statement));
      await expectClientsEqualRows();
    },
    60_000,
  );

  it('an UPDATE whose NOTIFY gets lost', async () => {
    await withSql(async (sql) => {
      const { rows } = await sql.query<{ definition: string }>(
        `SELECT pg_get_functiondef('prices_changed()'::regprocedure) AS definition`,
      );
      const definition = rows[0]?.definition ?? '';
      expect(definition).toContain('PERFORM pg_notify');
      // In one transaction: raises the revision as always, and tells nobody.
      await sql.query('BEGIN');
      await sql.query(definition.replace('PERFORM pg_notify', 'PERFORM concat'));
      const changed = await sql.query(
        `UPDATE stock_prices_1m SET high = high + 2, close = high + 2 WHERE ${minutesAgo(30)}`,
      );
      expect(changed.rowCount).toBe(1);
      await sql.query(definition);
      await sql.query('COMMIT');
    });
    await expectClientsEqualRows();
  }, 60_000);
});
