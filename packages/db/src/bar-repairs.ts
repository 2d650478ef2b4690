/**
 * Bars that cannot be right: writing what was made of them together with the evidence. A case is one bad bar as it came;
 * while the source gives the same prices, what was decided about it stands, and when it gives others the case is closed.
 */
import { type RepairRule, type RepairState } from '@tapecast/contracts/actions';
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { pricesTable } from './bars.ts';
import { answering, type Database, inTransaction } from './database.ts';
import { type Schema } from './schema.ts';
import { lockSeries, type PriceRow, upsertBars } from './write-bars.ts';

/** `open`: there is not enough beside the bar to judge it by. */
export type Judgement =
  | { verdict: 'good' | 'open' }
  | { verdict: 'flag'; rule: RepairRule; reason: string }
  | { verdict: 'repair'; rule: RepairRule; reason: string; repaired: PriceRow };

export interface JudgedBar {
  /** As it came. */
  row: PriceRow;
  judgement: Judgement;
}

export interface RepairCounts {
  /** Bars that are new or different from what was stored. */
  changed: number;
  /** Cases that are new. */
  found: number;
}

interface Case {
  id: number;
  ticker: string;
  time: UnixSeconds;
  state: RepairState;
  old: Prices;
  repaired: PriceRow | null;
}
type Prices = [open: number, high: number, low: number, close: number];

const BATCH_ROWS = 5_000;

/**
 * Upserts bars as writeBars does, bad ones as they were judged, each batch with its evidence in one transaction.
 *
 * @param options.stored the rows are what the table holds: those that have changed meanwhile are left alone
 * @throws {DatabaseUnavailableError}
 */
export async function writeJudgedBars(
  db: Database,
  resolution: NativeResolution,
  bars: readonly JudgedBar[],
  options: { stored?: boolean } = {},
): Promise<RepairCounts> {
  const unique = [...new Map(bars.map((bar) => [keyOf(bar.row), bar])).values()];
  const counts: RepairCounts = { changed: 0, found: 0 };
  for (let start = 0; start < unique.length; start += BATCH_ROWS) {
    const batch = unique.slice(start, start + BATCH_ROWS);
    const done = await inTransaction(db, (transaction) => writeBatch(transaction, resolution, batch, options));
    counts.changed += done.changed;
    counts.found += done.found;
  }
  return counts;
}

async function writeBatch(
  transaction: Kysely<Schema>,
  resolution: NativeResolution,
  batch: readonly JudgedBar[],
  { stored = false }: { stored?: boolean },
): Promise<RepairCounts> {
  await lockSeries(transaction, [...new Set(batch.map(({ row }) => row.ticker))], [resolution]);
  const bars = stored ? await stillStored(transaction, resolution, batch) : batch;
  const cases = await readCases(transaction, resolution, bars);
  const rows: PriceRow[] = [];
  const opened: JudgedBar[] = [];
  const closed: number[] = [];
  const decided: { id: number; state: RepairState; judgement: Judgement | null }[] = [];
  for (const bar of bars) {
    const { row, judgement } = bar;
    const known = cases.get(keyOf(row));
    const same = known !== undefined && samePrices(known.old, row);
    if (known !== undefined && !same) closed.push(known.id);
    if (!same) {
      rows.push(judgement.verdict === 'repair' ? judgement.repaired : row);
      if (judgement.verdict === 'repair' || judgement.verdict === 'flag') opened.push(bar);
      continue;
    }
    if (known.state === 'flagged' && judgement.verdict === 'repair') {
      rows.push(judgement.repaired);
      decided.push({ id: known.id, state: 'repaired', judgement });
      continue;
    }
    if (known.state === 'flagged' && judgement.verdict === 'good')
      decided.push({ id: known.id, state: 'settled', judgement: null });
    rows.push(known.state === 'repaired' ? { ...(known.repaired ?? row), source: row.source } : row);
  }
  await supersede(transaction, closed);
  await open(transaction, resolution, opened);
  for (const change of decided) await decide(transaction, change);
  return { changed: await upsertBars(transaction, resolution, rows), found: opened.length };
}

function keyOf(row: { ticker: string; time: number }): string {
  return `${row.ticker} ${row.time}`;
}

/** Volumes are corrected more often than prices are: the prices make the case. */
function samePrices([open, high, low, close]: Prices, row: PriceRow): boolean {
  return open === row.open && high === row.high && low === row.low && close === row.close;
}

async function stillStored(
  transaction: Kysely<Schema>,
  resolution: NativeResolution,
  batch: readonly JudgedBar[],
): Promise<JudgedBar[]> {
  const { rows } = await sql<{ ticker: string; time: UnixSeconds; prices: Prices }>`
    SELECT p.ticker, extract(epoch FROM p.time)::bigint AS time, json_build_array(open, high, low, close) AS prices
    FROM ${pricesTable(resolution)} p JOIN ${keys(batch)} ON p.ticker = k.ticker AND p.time = to_timestamp(k.time)`.execute(
    transaction,
  );
  const held = new Map(rows.map((row) => [keyOf(row), row.prices]));
  return batch.filter(({ row }) => {
    const prices = held.get(keyOf(row));
    return prices !== undefined && samePrices(prices, row);
  });
}

async function readCases(
  transaction: Kysely<Schema>,
  resolution: NativeResolution,
  bars: readonly JudgedBar[],
): Promise<Map<string, Case>> {
  if (bars.length === 0) return new Map();
  const { rows } = await sql<Case>`
    SELECT r.id, r.ticker, extract(epoch FROM r.time)::bigint AS time, state,
      json_build_array(old_open, old_high, old_low, old_close) AS old,
      CASE WHEN new_close IS NOT NULL THEN json_build_object('ticker', r.ticker, 'time', extract(epoch FROM r.time)::bigint,
        'open', new_open, 'high', new_high, 'low', new_low, 'close', new_close, 'closeAdj', new_close_adj, 'volume', new_volume) END AS repaired
    FROM bar_repairs r JOIN ${keys(bars)} ON r.ticker = k.ticker AND r.time = to_timestamp(k.time)
    WHERE r.resolution = ${resolution} AND state <> 'superseded'`.execute(transaction);
  return new Map(rows.map((row) => [keyOf(row), row]));
}

function keys(bars: readonly JudgedBar[]): RawBuilder<unknown> {
  return sql`unnest(${bars.map(({ row }) => row.ticker)}::text[], ${bars.map(({ row }) => row.time)}::bigint[]) AS k (ticker, time)`;
}

async function supersede(transaction: Kysely<Schema>, ids: readonly number[]): Promise<void> {
  if (ids.length === 0) return;
  await sql`UPDATE bar_repairs SET state = 'superseded', changed_at = now(), changed_by = 'source', recheck_at = NULL
    WHERE id = ANY (${[...ids]}::bigint[])`.execute(transaction);
}

/** How long after it was found the source is asked for a bar again, and after each asking. */
const RECHECKS = sql`ARRAY[interval '1 hour', interval '6 hours', interval '1 day', interval '3 days', interval '7 days']`;

async function open(
  transaction: Kysely<Schema>,
  resolution: NativeResolution,
  bars: readonly JudgedBar[],
): Promise<void> {
  if (bars.length === 0) return;
  const rows = bars.flatMap(({ row, judgement }) =>
    judgement.verdict === 'flag' || judgement.verdict === 'repair'
      ? [{ row, judgement, repaired: judgement.verdict === 'repair' ? judgement.repaired : null }]
      : [],
  );
  const old = (name: 'open' | 'high' | 'low' | 'close' | 'closeAdj' | 'volume') => rows.map(({ row }) => row[name]);
  const made = (name: 'open' | 'high' | 'low' | 'close' | 'closeAdj' | 'volume') =>
    rows.map(({ repaired }) => repaired?.[name] ?? null);
  await sql`
    INSERT INTO bar_repairs (ticker, resolution, time, rule, state, reason, recheck_at, old_source,
      old_open, old_high, old_low, old_close, old_close_adj, old_volume, new_open, new_high, new_low, new_close, new_close_adj, new_volume)
    SELECT ticker, ${resolution}, to_timestamp(time), rule, CASE WHEN o.new_close IS NULL THEN 'flagged' ELSE 'repaired' END, reason,
      now() + (${RECHECKS})[1], source, old_open, old_high, old_low, old_close, old_close_adj, old_volume,
      new_open, new_high, new_low, new_close, new_close_adj, new_volume
    FROM unnest(${rows.map(({ row }) => row.ticker)}::text[], ${rows.map(({ row }) => row.time)}::bigint[],
      ${rows.map(({ judgement }) => judgement.rule)}::text[], ${rows.map(({ judgement }) => judgement.reason)}::text[],
      ${rows.map(({ row }) => row.source)}::text[],
      ${old('open')}::float8[], ${old('high')}::float8[], ${old('low')}::float8[], ${old('close')}::float8[],
      ${old('closeAdj')}::float8[], ${old('volume')}::float8[],
      ${made('open')}::float8[], ${made('high')}::float8[], ${made('low')}::float8[], ${made('close')}::float8[],
      ${made('closeAdj')}::float8[], ${made('volume')}::float8[])
      AS o (ticker, time, rule, reason, source, old_open, old_high, old_low, old_close, old_close_adj, old_volume,
        new_open, new_high, new_low, new_close, new_close_adj, new_volume)`.execute(transaction);
}

/** A doubtful bar that more bars have made certain, one way or the other. */
async function decide(
  transaction: Kysely<Schema>,
  { id, state, judgement }: { id: number; state: RepairState; judgement: Judgement | null },
): Promise<void> {
  const repair = judgement?.verdict === 'repair' ? judgement : null;
  const made = repair?.repaired;
  await sql`
    UPDATE bar_repairs SET state = ${state}, changed_at = now(), rule = coalesce(${repair?.rule ?? null}, rule),
      reason = coalesce(${repair?.reason ?? null}, reason),
      recheck_at = CASE WHEN ${state}::text = 'repaired' THEN recheck_at END,
      new_open = ${made?.open ?? null}::float8, new_high = ${made?.high ?? null}::float8, new_low = ${made?.low ?? null}::float8,
      new_close = ${made?.close ?? null}::float8, new_close_adj = ${made?.closeAdj ?? null}::float8,
      new_volume = ${made?.volume ?? null}::float8
    WHERE id = ${id}`.execute(transaction);
}

/** A stretch of a series of which bars are to be asked for again. */
export interface Recheck {
  ticker: Ticker;
  resolution: NativeResolution;
  from: UnixSeconds;
  to: UnixSeconds;
  ids: number[];
}

export async function listRechecks(db: Database, tickers: readonly string[], now: number): Promise<Recheck[]> {
  const { rows } = await answering(() =>
    sql<Recheck>`
      SELECT ticker, resolution, extract(epoch FROM min(time))::bigint AS "from", extract(epoch FROM max(time))::bigint AS "to",
        json_agg(id) AS ids
      FROM bar_repairs
      WHERE recheck_at <= to_timestamp(${now}) AND ticker = ANY (${[...tickers]}::text[])
      GROUP BY ticker, resolution ORDER BY min(recheck_at)`.execute(db.kysely),
  );
  return rows;
}

/** The source was asked: next time later, after the last time no more. */
export async function noteRecheck(db: Database, ids: readonly number[], now: number): Promise<void> {
  await answering(() =>
    sql`
      UPDATE bar_repairs SET rechecks = rechecks + 1, recheck_at = to_timestamp(${unixSeconds(now)}) + (${RECHECKS})[rechecks + 2]
      WHERE id = ANY (${[...ids]}::bigint[]) AND recheck_at IS NOT NULL`.execute(db.kysely),
  );
}
