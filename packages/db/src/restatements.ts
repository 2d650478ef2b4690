/**
 * Putting stored history on the footing of today's shares after a split. Which bars still need it is told by the bars
 * themselves, held against the restated days: a bar that a source gave after it had restated is left alone, and doing
 * it again changes nothing.
 */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type Ticker } from '@tapecast/contracts/ticker';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { type RawBuilder, sql } from 'kysely';
import { pricesTable } from './bars.ts';
import { answering, type Database, inTransaction } from './database.ts';
import { lockSeries, type PriceRow } from './write-bars.ts';

/** A series of which something is to be restated. */
export interface PendingRestatement {
  ticker: Ticker;
  resolution: NativeResolution;
  /** Key of the oldest stored bar. */
  oldest: UnixSeconds;
  /** Actions that are due; those that become due meanwhile are done next time. */
  actions: { kind: 'split' | 'dividend'; exDate: string }[];
}

/** What is due of these tickers, days first: the finer resolutions are held against them. */
export async function listPendingRestatements(db: Database, tickers: readonly string[]): Promise<PendingRestatement[]> {
  const { rows } = await answering(() =>
    sql<PendingRestatement>`
      SELECT ticker, resolution, json_agg(json_build_object('kind', kind, 'exDate', ex_date) ORDER BY ex_date) AS actions,
        extract(epoch FROM CASE resolution
          WHEN '1d' THEN (SELECT min(time) FROM stock_prices_1d p WHERE p.ticker = r.ticker)
          WHEN '1h' THEN (SELECT min(time) FROM stock_prices_1h p WHERE p.ticker = r.ticker)
          ELSE (SELECT min(time) FROM stock_prices_1m p WHERE p.ticker = r.ticker) END)::bigint AS oldest
      FROM restatements r
      WHERE fetched_at IS NULL AND ticker = ANY (${[...tickers]}::text[])
        AND (resolution = '1d' OR NOT EXISTS (
          SELECT FROM restatements d WHERE d.ticker = r.ticker AND d.resolution = '1d' AND d.kind = 'split' AND d.fetched_at IS NULL))
      GROUP BY ticker, resolution ORDER BY ticker, resolution = '1d' DESC, resolution`.execute(db.kysely),
  );
  return rows;
}

/** A close counts as one of its day while it is no further outside of the day's range: another session, rounding. */
const SLACK = 1.02;

/**
 * Divides what still stands in old shares, in one transaction, once for each split.
 *
 * @param days restated days to hold the bars against; null: the stored ones, for the finer resolutions
 * @returns how many bars changed
 * @throws {DatabaseUnavailableError}
 */
export async function adjustForSplits(
  db: Database,
  { ticker, resolution }: { ticker: string; resolution: NativeResolution },
  days: readonly PriceRow[] | null,
): Promise<{ adjusted: number }> {
  const reference: RawBuilder<unknown> =
    days === null
      ? sql`SELECT time AS day, low, high FROM stock_prices_1d WHERE ticker = ${ticker} AND close IS NOT NULL`
      : sql`SELECT to_timestamp(day) AS day, low, high FROM unnest(${days.map(({ time }) => time)}::bigint[],
          ${days.map(({ low }) => low)}::float8[], ${days.map(({ high }) => high)}::float8[]) AS told (day, low, high)`;
  const dayOf =
    resolution === '1d' ? sql`p.time` : sql`date_trunc('day', p.time AT TIME ZONE t.timezone) AT TIME ZONE 'UTC'`;
  return inTransaction(db, async (transaction) => {
    await lockSeries(transaction, [ticker], [resolution]);
    // Freshly loaded bars have no statistics yet: the planner would take them for a few and compare each with each.
    await sql`SET LOCAL enable_nestloop = off`.execute(transaction);
    const { rows } = await sql<{ adjusted: number }>`
      WITH splits AS MATERIALIZED (
        SELECT a.ex_date, a.numerator / a.denominator AS ratio
        FROM restatements r JOIN corporate_actions a USING (ticker, kind, ex_date)
        WHERE r.ticker = ${ticker} AND r.resolution = ${resolution} AND r.kind = 'split' AND r.adjusted_at IS NULL
      ), dated AS (
        SELECT p.time, p.close, ${dayOf} AS day
        FROM ${pricesTable(resolution)} p JOIN stock_tickers t USING (ticker)
        WHERE p.ticker = ${ticker} AND p.close IS NOT NULL
          AND p.time < (SELECT max(ex_date) FROM splits)::timestamp AT TIME ZONE 'UTC' + interval '14 hours'
      ), held AS MATERIALIZED (
        SELECT d.time, f.ratio, r.day IS NOT NULL AS known, CASE
            WHEN d.close BETWEEN r.low / ${SLACK}::float8 AND r.high * ${SLACK}::float8 THEN false
            WHEN d.close / f.ratio BETWEEN r.low / ${SLACK}::float8 AND r.high * ${SLACK}::float8 THEN true END AS outdated
        FROM dated d
        CROSS JOIN LATERAL (SELECT exp(sum(ln(ratio))) AS ratio FROM splits WHERE ex_date::timestamp AT TIME ZONE 'UTC' > d.day) f
        LEFT JOIN (${reference}) r ON r.day = d.day
        WHERE f.ratio IS NOT NULL
      ), oldest AS (
        SELECT time, outdated FROM held WHERE outdated IS NOT NULL ORDER BY time LIMIT 1
      ), changed AS (
        UPDATE ${pricesTable(resolution)} p SET open = p.open / h.ratio, high = p.high / h.ratio, low = p.low / h.ratio,
          close = p.close / h.ratio, close_adj = p.close_adj / h.ratio, volume = p.volume * h.ratio
        FROM held h
        -- Before the first day that can be compared, bars stand as they do on that day.
        WHERE p.ticker = ${ticker} AND p.time = h.time
          AND (h.outdated OR (NOT h.known AND (SELECT outdated AND h.time < time FROM oldest)))
        RETURNING 1
      ), noted AS (
        UPDATE restatements r SET adjusted_at = now(), adjusted_bars = (SELECT count(*) FROM changed)
        WHERE r.ticker = ${ticker} AND r.resolution = ${resolution} AND r.kind = 'split' AND r.adjusted_at IS NULL
      )
      SELECT count(*) AS adjusted FROM changed`.execute(transaction);
    return { adjusted: rows[0]?.adjusted ?? 0 };
  });
}

/** The source's restated history has been written. Dividends that it told on the way are in it already. */
export async function finishRestatement(db: Database, pending: PendingRestatement): Promise<void> {
  const { ticker, resolution, actions } = pending;
  await answering(() =>
    sql`
      UPDATE restatements SET fetched_at = now()
      WHERE ticker = ${ticker} AND resolution = ${resolution} AND fetched_at IS NULL AND (kind = 'dividend'
        OR (kind, ex_date) IN (SELECT * FROM unnest(${actions.map(({ kind }) => kind)}::text[], ${actions.map(({ exDate }) => exDate)}::date[])))
    `.execute(db.kysely),
  );
}
