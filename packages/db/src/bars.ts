/**
 * Reading bars. A page's bars, revision and epoch come from one statement, hence from one snapshot of the database:
 * with two statements a commit between them would be lost for good.
 */
import { type Bar } from '@tapecast/contracts/bar';
import {
  baseOf,
  isNative,
  RESOLUTION_SECONDS,
  type NativeResolution,
  type Resolution,
} from '@tapecast/contracts/resolution';
import { type Epoch, type Revision, unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { sql, type RawBuilder } from 'kysely';
import { answering, type Database } from './database.ts';

export interface SeriesKey {
  ticker: string;
  resolution: Resolution;
}

/** Bars in rising order of time. A derived series has its base's revision. */
export interface SeriesPage {
  epoch: Epoch;
  revision: Revision;
  bars: Bar[];
}

export interface SeriesChanges extends SeriesPage {
  /** False when more bars changed than the limit allows: then `bars` is empty, and a snapshot is the shorter way. */
  complete: boolean;
}

/** Width of a bucket of series_changes, as the triggers fold it. */
const CHANGE_BUCKET: Record<NativeResolution, string> = { '1m': '1 hour', '1h': '4 days', '1d': '70 days' };
const ORIGIN = sql`timestamptz '2000-01-03 00:00:00Z'`;

const JSON_BAR = sql`json_build_array(extract(epoch FROM time)::bigint, open, high, low, close, volume)`;

/**
 * The newest `limit` bars in [from, to], without withdrawn ones; null for an unknown ticker.
 * @throws {DatabaseUnavailableError}
 */
export async function readSeries(
  db: Database,
  query: SeriesKey & { limit: number; from?: UnixSeconds | undefined; to?: UnixSeconds | undefined },
): Promise<SeriesPage | null> {
  const rows = newestRows(query);
  return readPage(db, query, sql`SELECT ${JSON_BAR} AS bar, time FROM (${rows}) newest`);
}

/**
 * Every bar that changed after revision `after` (a superset: whole buckets), withdrawn ones as null bars; null for an
 * unknown ticker.
 */
export async function readChanges(
  db: Database,
  query: SeriesKey & { after: Revision; limit?: number },
): Promise<SeriesChanges | null> {
  const base = baseOf(query.resolution);
  const width = CHANGE_BUCKET[base];
  // Buckets are multiples of every derived width and share its origin: no derived bar straddles two of them.
  const changed = sql`
    SELECT p.* FROM series_changes c
    JOIN ${pricesTable(base)} p ON p.ticker = c.ticker AND p.time >= c.bucket AND p.time < c.bucket + ${width}::interval
    WHERE c.ticker = ${query.ticker} AND c.resolution = ${base} AND c.revision > ${query.after}`;
  const limit = query.limit ?? null;
  const rows = sql`SELECT * FROM (${derive(query.resolution, changed)}) changed_bars LIMIT ${limit === null ? null : limit + 1}`;
  const page = await readPage(db, query, sql`SELECT ${JSON_BAR} AS bar, time FROM (${rows}) changed`);
  if (page === null) return null;
  const complete = limit === null || page.bars.length <= limit;
  return complete ? { ...page, complete } : { ...page, bars: [], complete };
}

/** All bars in [from, to], widened to whole bars of the resolution; withdrawn ones as null bars. */
export async function readRange(
  db: Database,
  query: SeriesKey & { from: UnixSeconds; to: UnixSeconds },
): Promise<SeriesPage | null> {
  const range = widen(query.resolution, query.from, query.to);
  const rows = sql`
    SELECT * FROM ${pricesTable(baseOf(query.resolution))}
    WHERE ticker = ${query.ticker} AND time >= to_timestamp(${range.from}) AND time < to_timestamp(${range.until})`;
  return readPage(db, query, sql`SELECT ${JSON_BAR} AS bar, time FROM (${derive(query.resolution, rows)}) range`);
}

/** Of a statement: planning one over a thousand chunks takes its time. */
const STREAM_PAGE_BARS = 10_000;
/** Of a string: a long one outlives the young generation, and its memory is not given back for a while. */
const STREAM_PIECE_BARS = 1_000;
export const STREAM_HEADER = 'time,open,high,low,close,volume\n';

/**
 * All bars in [from, to], rising, as lines of CSV below STREAM_HEADER: times in UTC, an unknown volume empty. Each page is a query of
 * its own, so a slow reader holds neither a connection nor a snapshot. The database writes the lines: a million bars as values here
 * would be a million small objects.
 *
 * @yields whole lines, a thousand or fewer
 */
export async function* streamLines(
  db: Database,
  query: SeriesKey & { from?: UnixSeconds | undefined; to?: UnixSeconds | undefined },
): AsyncGenerator<{ lines: string; rows: number }> {
  const base = baseOf(query.resolution);
  let from = query.from ?? unixSeconds(-8_000_000_000);
  const to = query.to ?? unixSeconds(8_000_000_000);
  const derived = !isNative(query.resolution);
  if (derived) from = widen(query.resolution, from, from).from;
  for (;;) {
    const rows = sql`
      SELECT * FROM ${pricesTable(base)}
      WHERE ticker = ${query.ticker} AND close IS NOT NULL AND time >= to_timestamp(${from}) AND time <= to_timestamp(${to})
      ORDER BY time LIMIT ${STREAM_PAGE_BARS}`;
    // The last derived bar of a full page may be cut in half: it is read again as the first of the next page.
    const { rows: pieces } = await answering(() =>
      sql<{ lines: string; rows: number; newest: UnixSeconds; full: boolean }>`
        WITH page AS MATERIALIZED (${rows}),
          size AS (SELECT count(*) = ${STREAM_PAGE_BARS}::int AS is_full FROM page),
          bars AS MATERIALIZED (${derive(query.resolution, sql`SELECT * FROM page`)}),
          whole AS (
            SELECT *, (row_number() OVER (ORDER BY time) - 1) / ${STREAM_PIECE_BARS}::int AS piece FROM bars
            WHERE NOT (${derived}::boolean AND (SELECT is_full FROM size) AND time = (SELECT max(time) FROM bars))
          )
        SELECT
          string_agg(format(E'%s,%s,%s,%s,%s,%s\\n', to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'), open, high, low, close,
            volume), '' ORDER BY time) AS lines,
          count(*) AS rows, extract(epoch FROM max(time))::bigint AS newest, (SELECT is_full FROM size) AS full
        FROM whole GROUP BY piece ORDER BY piece`.execute(db.kysely),
    );
    for (const { lines, rows: bars } of pieces) yield { lines, rows: bars };
    const page = pieces.at(-1);
    if (page?.full !== true) return;
    from = unixSeconds(page.newest + (derived ? RESOLUTION_SECONDS[query.resolution] : 1));
  }
}

export interface Close {
  time: UnixSeconds;
  close: number;
}

/** The newest `limit` closes whose bar starts at or before `until`, rising, with the source of the newest one. */
export async function readClosedCloses(
  db: Database,
  query: SeriesKey & { until: UnixSeconds; limit: number },
): Promise<Close[]> {
  const rows = newestRows({ ...query, to: query.until });
  const { rows: answer } = await answering(() =>
    sql<Close>`SELECT extract(epoch FROM time)::bigint AS time, close FROM (${rows}) newest ORDER BY time`.execute(
      db.kysely,
    ),
  );
  return answer;
}

/** Who made the newest bar of a series (up to `to`): `yahoo`, `simulated`, …, without the mark of a live bar. */
export async function readSource(
  db: Database,
  query: SeriesKey & { to?: UnixSeconds | undefined },
): Promise<string | null> {
  const to = query.to ?? null;
  const { rows } = await answering(() =>
    sql<{ source: string }>`
      SELECT split_part(source, ':', 1) AS source FROM ${pricesTable(baseOf(query.resolution))}
      WHERE ticker = ${query.ticker} AND close IS NOT NULL AND (${to}::bigint IS NULL OR time <= to_timestamp(${to}))
      ORDER BY time DESC LIMIT 1`.execute(db.kysely),
  );
  return rows[0]?.source ?? null;
}

export function pricesTable(resolution: NativeResolution): RawBuilder<unknown> {
  return sql.table(`stock_prices_${resolution}`);
}

/** One row with epoch, revision and the bars as JSON, which the driver parses faster than rows; null: unknown ticker. */
async function readPage(db: Database, key: SeriesKey, bars: RawBuilder<unknown>): Promise<SeriesPage | null> {
  const { rows } = await answering(() =>
    sql<SeriesPage>`
      SELECT current_epoch() AS epoch,
        coalesce((SELECT revision FROM series WHERE ticker = t.ticker AND resolution = ${baseOf(key.resolution)}), 0) AS revision,
        coalesce((SELECT json_agg(bar ORDER BY time) FROM (${bars}) page), '[]'::json) AS bars
      FROM stock_tickers t WHERE t.ticker = ${key.ticker}
    `.execute(db.kysely),
  );
  return rows[0] ?? null;
}

/** Rows of the newest bars. Derived: only as many base rows are touched as these bars can consist of. */
function newestRows(
  query: SeriesKey & { limit: number; from?: UnixSeconds | undefined; to?: UnixSeconds | undefined },
): RawBuilder<unknown> {
  const base = baseOf(query.resolution);
  const range = widen(query.resolution, query.from ?? null, query.to ?? null);
  const perBar = RESOLUTION_SECONDS[query.resolution] / RESOLUTION_SECONDS[base];
  // One bar more than asked for: the oldest derived bar may be cut, and is then beyond the limit.
  const baseLimit = perBar === 1 ? query.limit : (query.limit + 1) * perBar;
  const rows = sql`
    SELECT * FROM ${pricesTable(base)}
    WHERE ticker = ${query.ticker} AND close IS NOT NULL
      AND (${range.from}::bigint IS NULL OR time >= to_timestamp(${range.from}))
      AND (${range.until}::bigint IS NULL OR time < to_timestamp(${range.until}))
    ORDER BY time DESC LIMIT ${baseLimit}`;
  if (perBar === 1) return rows;
  return sql`SELECT * FROM (${derive(query.resolution, rows)}) derived ORDER BY time DESC LIMIT ${query.limit}`;
}

/** Aggregates base rows to a derived resolution; a derived bar without any price left is withdrawn. */
function derive(resolution: Resolution, rows: RawBuilder<unknown>): RawBuilder<unknown> {
  if (isNative(resolution)) return rows;
  const width = `${RESOLUTION_SECONDS[resolution]} seconds`;
  return sql`
    SELECT date_bin(${width}::interval, time, ${ORIGIN}) AS time,
      (array_agg(open ORDER BY time) FILTER (WHERE close IS NOT NULL))[1] AS open,
      max(high) AS high, min(low) AS low,
      (array_agg(close ORDER BY time DESC) FILTER (WHERE close IS NOT NULL))[1] AS close,
      sum(volume) AS volume
    FROM (${rows}) base GROUP BY 1`;
}

const ORIGIN_SECONDS = 946_857_600;

/** [from, to] → [from, until), on the resolution's own grid where it is derived. */
function widen<F extends UnixSeconds | null>(resolution: Resolution, from: F, to: F): { from: F; until: F } {
  if (isNative(resolution)) return { from, until: (to === null ? null : to + 1) as F };
  const width = RESOLUTION_SECONDS[resolution];
  const start = (time: number): number => Math.floor((time - ORIGIN_SECONDS) / width) * width + ORIGIN_SECONDS;
  return {
    from: (from === null ? null : start(from)) as F,
    until: (to === null ? null : start(to) + width) as F,
  };
}
