/** What the tests of backups share: a database with something of everything in it, and a place for archives. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openStorage } from '@tapecast/backup/storage/open-storage';
import { type Storage } from '@tapecast/backup/storage/storage';
import { openSnapshot } from '@tapecast/db/archive/snapshot';
import { RowDigest, throughDigest } from '@tapecast/backup/row-digest';
import { nowhere } from '@tapecast/backup/read-table';
import { pipeline } from 'node:stream/promises';
import pg from 'pg';

export async function createPlace(): Promise<{ folder: string; storage: Storage; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'tapecast-backups-'));
  return {
    folder,
    storage: openStorage(folder, { S3_REGION: 'us-east-1' }),
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

export async function query<T extends pg.QueryResultRow>(url: string, text: string, values?: unknown[]): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text, values)).rows;
  } finally {
    await client.end();
  }
}

/**
 * Rows in every table: bars of all kinds (withdrawn ones too), quotes, forecasts, scores, runs, and a table of somebody's own with all that
 * COPY has to quote.
 */
export async function fill(url: string, bars = 3_000): Promise<void> {
  await query(
    url,
    `
    INSERT INTO stock_tickers (ticker, name, exchange) VALUES ('MSFT', E'Micro\\tsoft "A" \\\\ é', 'NMS'), ('BTC-USD', NULL, NULL);
    INSERT INTO feed_status VALUES ('simulated', 1.5, now(), NULL, NULL);
    INSERT INTO stock_prices_1m SELECT timestamptz '2026-01-05' + n * interval '1 minute', t, 100 + n / 7.0, 200 + n, 50, 101 + n / 3.0, NULL, n, 'simulated'
      FROM generate_series(1, ${bars}) n, unnest(ARRAY['MSFT', 'BTC-USD']) t;
    INSERT INTO stock_prices_1h SELECT timestamptz '2025-01-05' + n * interval '1 hour', 'MSFT', 1e-9, 1e9, 1e-9, 0.1 + n, 0.3, NULL, 'yahoo' FROM generate_series(1, 900) n;
    INSERT INTO stock_prices_1d SELECT timestamptz '2015-01-05' + n * interval '1 day', 'MSFT', 10, 12, 9, 11, 11.5, 1e12, 'csv:7' FROM generate_series(1, 800) n;
    UPDATE stock_prices_1m SET open = NULL, high = NULL, low = NULL, close = NULL, close_adj = NULL, volume = NULL
      WHERE time = '2026-01-05 01:00Z' AND ticker = 'MSFT';
    INSERT INTO stock_quotes VALUES ('MSFT', 101.5, now(), now(), 100, 5, 'REGULAR', 0, 'simulated', now(), now(), 1, now(), 2);
    UPDATE stock_quotes SET market_state = 'CLOSED';
    INSERT INTO stock_forecasts SELECT 'MSFT', '1h', m, timestamptz '2025-02-01', timestamptz '2025-02-01' + n * interval '1 hour',
      jsonb_build_object('0.05', 401.2 + n, '0.5', 1.0 / (n + 1), '0.95', 1e300), m = 'drift', 'simulated'
      FROM generate_series(1, 40) n, unnest(ARRAY['drift', 'last-price']) m;
    INSERT INTO backtest_forecasts SELECT * FROM stock_forecasts LIMIT 10;
    INSERT INTO score_progress (ticker, resolution, closed_until) VALUES ('MSFT', '1h', '2025-02-01 05:00Z') ON CONFLICT (ticker, resolution) DO UPDATE SET closed_until = excluded.closed_until;
    INSERT INTO scored_bars VALUES ('MSFT', '1h', '2025-02-01 01:00Z', 3.25, true) ON CONFLICT DO NOTHING;
    INSERT INTO forecast_scores (ticker, resolution, kind, model, made_at, target_time, step, shown, source, actual, abs_error, pinball_loss, covered_90)
      VALUES ('MSFT', '1h', 'live', 'drift', '2025-02-01', '2025-02-01 01:00Z', 1, true, 'simulated', 1, 0.25, 1.0 / 3, true);
    INSERT INTO rejected_rows (ticker, reason, raw) VALUES ('MSFT', 'zero price', '{"a": [1, "\\u00e9", null]}');
    INSERT INTO ingest_runs (source, target, started_by) SELECT 'file ' || n, 'stock_prices_1d', 'test' FROM generate_series(1, 7) n;
    DELETE FROM ingest_runs WHERE id = 7;
    INSERT INTO service_leases VALUES ('history', gen_random_uuid(), now());
    CREATE TABLE imports."Odd name; --" (id bigint PRIMARY KEY, "a ""b""" text NOT NULL, n numeric(10, 2), tags text[], raw bytea, day date);
    INSERT INTO imports."Odd name; --" VALUES (1, E'tab\\t newline\\n back\\\\slash \\\\N', 1.10, ARRAY['x', NULL, 'y,z'], '\\x00ff', '2024-02-29'),
      (2, '', 'NaN', '{}', NULL, 'infinity');
    CREATE TABLE imports.no_rows (x integer, y integer GENERATED ALWAYS AS (x * 2) STORED);`,
  );
}

/** Rows and digest of every table, by name. */
async function digests(url: string): Promise<Record<string, string>> {
  const snapshot = await openSnapshot(url);
  const found: Record<string, string> = {};
  try {
    for (const table of snapshot.tables) {
      const digest = new RowDigest();
      await pipeline(snapshot.copyOut(table), throughDigest(digest), nowhere());
      found[`${table.schema}.${table.name}`] = `${digest.rows} ${digest.hex()}`;
    }
  } finally {
    await snapshot.close();
  }
  return found;
}

/** Rows and digest of every table but the epoch, which must differ after a restore. */
export async function content(url: string): Promise<Record<string, string>> {
  const found = await digests(url);
  delete found['public.database_epoch'];
  return found;
}
