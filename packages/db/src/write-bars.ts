/** Writing bars: series are locked first, an upsert without news changes nothing, conflicts are run again. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { type Kysely, sql } from 'kysely';
import { pricesTable } from './bars.ts';
import { answering, type Database, inTransaction } from './database.ts';
import { type Schema } from './schema.ts';

export interface PriceRow {
  /** Key of the bar (its start). */
  time: UnixSeconds;
  ticker: string;
  open: number;
  high: number;
  low: number;
  close: number;
  closeAdj: number | null;
  volume: number | null;
  /** Who says so: `yahoo`, `simulated`, …; a bar merged from quotes has `:live` behind it. */
  source: string;
}

/** Rows per statement: large enough to be fast, small enough that no lock is held for long. */
const BATCH_ROWS = 5_000;

/**
 * Upserts a source's own bars; they replace live ones. Of two rows with the same key the later one counts.
 * @returns how many bars are new or different from what was stored
 * @throws {DatabaseUnavailableError}
 */
export async function writeBars(
  db: Database,
  resolution: NativeResolution,
  rows: readonly PriceRow[],
): Promise<{ changed: number }> {
  const unique = [...new Map(rows.map((row) => [`${row.ticker} ${row.time}`, row])).values()];
  let changed = 0;
  for (let start = 0; start < unique.length; start += BATCH_ROWS) {
    const batch = unique.slice(start, start + BATCH_ROWS);
    changed += await inTransaction(db, async (transaction) => {
      await lockSeries(transaction, [...new Set(batch.map((row) => row.ticker))], [resolution]);
      return upsertBars(transaction, resolution, batch);
    });
  }
  return { changed };
}

/** Takes bars back: the rows stay, their prices become null, and every client is told. */
export async function withdrawBars(
  db: Database,
  resolution: NativeResolution,
  ticker: string,
  times: readonly UnixSeconds[],
): Promise<{ changed: number }> {
  return inTransaction(db, async (transaction) => {
    await lockSeries(transaction, [ticker], [resolution]);
    const result = await sql`
      UPDATE ${pricesTable(resolution)}
      SET open = NULL, high = NULL, low = NULL, close = NULL, close_adj = NULL, volume = NULL
      WHERE ticker = ${ticker} AND close IS NOT NULL
        AND time IN (SELECT to_timestamp(t) FROM unnest(${[...times]}::bigint[]) t)`.execute(transaction);
    return { changed: Number(result.numAffectedRows ?? 0) };
  });
}

/** Takes the row locks of these series, in the one order that all writers keep. */
export async function lockSeries(
  transaction: Kysely<Schema>,
  tickers: readonly string[],
  resolutions: readonly NativeResolution[],
): Promise<void> {
  await sql`SELECT lock_series(${[...tickers]}::text[], ${[...resolutions]}::text[])`.execute(transaction);
}

/** The statement alone, for a transaction that holds the locks. @returns how many bars are news */
export async function upsertBars(
  transaction: Kysely<Schema>,
  resolution: NativeResolution,
  rows: readonly PriceRow[],
): Promise<number> {
  if (rows.length === 0) return 0;
  const result = await sql`
    INSERT INTO ${pricesTable(resolution)} AS bar (time, ticker, open, high, low, close, close_adj, volume, source)
    SELECT to_timestamp(time), ticker, open, high, low, close, close_adj, volume, source
    FROM unnest(
      ${rows.map((row) => row.time)}::bigint[], ${rows.map((row) => row.ticker)}::text[],
      ${rows.map((row) => row.open)}::float8[], ${rows.map((row) => row.high)}::float8[],
      ${rows.map((row) => row.low)}::float8[], ${rows.map((row) => row.close)}::float8[],
      ${rows.map((row) => row.closeAdj)}::float8[], ${rows.map((row) => row.volume)}::float8[],
      ${rows.map((row) => row.source)}::text[]
    ) AS incoming (time, ticker, open, high, low, close, close_adj, volume, source)
    ON CONFLICT (ticker, time) DO UPDATE SET
      open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close,
      close_adj = excluded.close_adj, volume = excluded.volume, source = excluded.source
    WHERE (bar.open, bar.high, bar.low, bar.close, bar.close_adj, bar.volume, bar.source)
      IS DISTINCT FROM
      (excluded.open, excluded.high, excluded.low, excluded.close, excluded.close_adj, excluded.volume, excluded.source)
  `.execute(transaction);
  return Number(result.numAffectedRows ?? 0);
}

export interface StoredBarTime {
  time: UnixSeconds;
  /** Merged from quotes; the source has not given its own bar yet. */
  live: boolean;
}

/** Times in [from, to] at which a bar is stored, rising. */
export async function listBarTimes(
  db: Database,
  resolution: NativeResolution,
  ticker: string,
  from: UnixSeconds,
  to: UnixSeconds,
): Promise<StoredBarTime[]> {
  const { rows } = await answering(() =>
    sql<StoredBarTime>`
      SELECT extract(epoch FROM time)::bigint AS time, source LIKE '%:live' AS live FROM ${pricesTable(resolution)}
      WHERE ticker = ${ticker} AND time BETWEEN to_timestamp(${from}) AND to_timestamp(${to})
      ORDER BY time`.execute(db.kysely),
  );
  return rows;
}

/** Times of the oldest and the newest bar that the source itself gave; null where there is none. */
export async function storedRange(
  db: Database,
  resolution: NativeResolution,
  ticker: string,
): Promise<{ oldest: UnixSeconds; newest: UnixSeconds } | null> {
  const own = (order: 'ASC' | 'DESC') => sql`(
    SELECT extract(epoch FROM time)::bigint FROM ${pricesTable(resolution)}
    WHERE ticker = ${ticker} AND source NOT LIKE '%:live' ORDER BY time ${sql.raw(order)} LIMIT 1)`;
  const { rows } = await answering(() =>
    sql<{ oldest: UnixSeconds | null; newest: UnixSeconds | null }>`
      SELECT ${own('ASC')} AS oldest, ${own('DESC')} AS newest`.execute(db.kysely),
  );
  const { oldest = null, newest = null } = rows[0] ?? {};
  return oldest === null || newest === null ? null : { oldest, newest };
}

const PRICE_ROW = sql`extract(epoch FROM p.time)::bigint AS time, ticker, open, high, low, close, close_adj AS "closeAdj", volume, source`;

/** Stored bars right before and right after a range, rising, without withdrawn ones: at most `margin` on each side. */
export async function readNeighbours(
  db: Database,
  resolution: NativeResolution,
  ticker: string,
  range: { from: UnixSeconds; to: UnixSeconds; margin: number },
): Promise<{ before: PriceRow[]; after: PriceRow[] }> {
  const { from, to, margin } = range;
  const { rows } = await answering(() =>
    sql<PriceRow>`
      SELECT * FROM (SELECT ${PRICE_ROW} FROM ${pricesTable(resolution)} p
        WHERE p.ticker = ${ticker} AND close IS NOT NULL AND p.time < to_timestamp(${from}) ORDER BY p.time DESC LIMIT ${margin}) before
      UNION ALL
      SELECT * FROM (SELECT ${PRICE_ROW} FROM ${pricesTable(resolution)} p
        WHERE p.ticker = ${ticker} AND close IS NOT NULL AND p.time > to_timestamp(${to}) ORDER BY p.time LIMIT ${margin}) after
      ORDER BY time`.execute(db.kysely),
  );
  return { before: rows.filter(({ time }) => time < from), after: rows.filter(({ time }) => time > to) };
}

/** The oldest bars after a key, rising, without withdrawn ones; null: from the beginning. */
export async function readBarsAfter(
  db: Database,
  resolution: NativeResolution,
  ticker: string,
  after: UnixSeconds | null,
  limit: number,
): Promise<PriceRow[]> {
  const { rows } = await answering(() =>
    sql<PriceRow>`
      SELECT ${PRICE_ROW} FROM ${pricesTable(resolution)} p
      WHERE p.ticker = ${ticker} AND close IS NOT NULL AND (${after}::bigint IS NULL OR p.time > to_timestamp(${after}))
      ORDER BY p.time LIMIT ${limit}`.execute(db.kysely),
  );
  return rows;
}

/** The newest bars before a key, rising, without withdrawn ones. */
export async function readBarsBefore(
  db: Database,
  resolution: NativeResolution,
  ticker: string,
  before: UnixSeconds,
  limit: number,
): Promise<PriceRow[]> {
  const { rows } = await answering(() =>
    sql<PriceRow>`
      SELECT ${PRICE_ROW} FROM ${pricesTable(resolution)} p
      WHERE p.ticker = ${ticker} AND close IS NOT NULL AND p.time < to_timestamp(${before})
      ORDER BY p.time DESC LIMIT ${limit}`.execute(db.kysely),
  );
  return rows.reverse();
}
