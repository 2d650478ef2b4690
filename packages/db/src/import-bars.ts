/**
 * From staging to the tables of bars. The series are locked first, so that nobody else inserts meanwhile and one plain statement can
 * update what is there and insert what is not: faster than ON CONFLICT by two thirds, and either all of the file arrives or nothing.
 */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { type RawBuilder, sql } from 'kysely';
import { pricesTable } from './bars.ts';
import { isConflict } from './errors.ts';
import { type Staging } from './staging.ts';
import { type StagingColumn } from './staging-chunk.ts';

/** Of a bar in staging, beside `row`, its number in the file. */
export const BAR_COLUMNS: readonly StagingColumn[] = [
  { name: 'time', type: 'timestamp with time zone' },
  { name: 'ticker', type: 'text' },
  { name: 'open', type: 'double precision' },
  { name: 'high', type: 'double precision' },
  { name: 'low', type: 'double precision' },
  { name: 'close', type: 'double precision' },
  { name: 'close_adj', type: 'double precision' },
  { name: 'volume', type: 'double precision' },
];

export interface Duplicate {
  row: number;
  ticker: string;
  /** The row that gave this bar first. */
  firstRow: number;
}

/**
 * Removes the later ones of rows for the same bar.
 *
 * @returns those that say something else than the first; equal ones are no contradiction
 */
export async function removeDuplicates(staging: Staging): Promise<{ equal: number; contradicting: Duplicate[] }> {
  const { rows } = await staging.query(sql<Duplicate & { same: boolean }>`
    DELETE FROM ${staging.table} s USING (
      SELECT row, first_value(row) OVER same_bar AS first_row,
        (open, high, low, close, close_adj, volume) IS NOT DISTINCT FROM (
          first_value(open) OVER same_bar, first_value(high) OVER same_bar, first_value(low) OVER same_bar,
          first_value(close) OVER same_bar, first_value(close_adj) OVER same_bar, first_value(volume) OVER same_bar) AS same
      FROM ${staging.table} WINDOW same_bar AS (PARTITION BY ticker, time ORDER BY row)
    ) d WHERE d.row = s.row AND d.first_row <> d.row
    RETURNING s.row, s.ticker, d.first_row AS "firstRow", d.same`);
  const contradicting = rows.filter(({ same }) => !same);
  contradicting.sort((a, b) => a.row - b.row);
  return { equal: rows.length - contradicting.length, contradicting };
}

export interface MergeOutcome {
  inserted: number;
  updated: number;
  /** Bars that stayed as they are because the vendor gave them. */
  leftToVendor: number;
  /** Of which series the file holds bars, and from when to when. */
  extents: Extent[];
}

export interface Extent {
  ticker: string;
  /** Unix seconds; keys of the first and the last bar. */
  first: UnixSeconds;
  last: UnixSeconds;
}

const CONFLICT_RETRIES = 5;
const UNIQUE_VIOLATION = '23505';

export interface MergeOptions {
  resolution: NativeResolution;
  /** Bars that the vendor gave are replaced, too. */
  overwrite: boolean;
}

/**
 * One transaction: all rows or none. Bars of earlier imports and live bars are replaced; those that the vendor gave only with
 * `overwrite`. An equal bar keeps its row, and its run.
 *
 * @param record the statement that notes the outcome, in the same transaction
 */
export async function mergeStagedBars(
  staging: Staging,
  options: MergeOptions,
  record: (outcome: MergeOutcome) => RawBuilder<unknown>,
): Promise<MergeOutcome> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await staging.transaction(async () => {
        const outcome = await merge(staging, options);
        await staging.query(record(outcome));
        return outcome;
      });
    } catch (error) {
      // A writer that does not lock first, such as a person with psql, may have been quicker with the same key.
      const overtaken = error instanceof Error && 'code' in error && error.code === UNIQUE_VIOLATION;
      if ((!overtaken && !isConflict(error)) || attempt >= CONFLICT_RETRIES) throw error;
    }
  }
}

/** What a merge would do now. */
export async function previewMerge(staging: Staging, options: MergeOptions): Promise<MergeOutcome> {
  const extents = await readExtents(staging);
  if (extents.length === 0) return { ...NOTHING, extents };
  const { rows } = await staging.query(sql<Counts>`
    WITH ${known(staging, options, extents)}
    SELECT (SELECT count(*) FROM ${staging.table}) - (SELECT count(*) FROM known) AS inserted,
      (SELECT count(*) FROM known WHERE differs AND may_change) AS updated,
      (SELECT count(*) FROM known WHERE differs AND NOT may_change) AS "leftToVendor"`);
  return { ...(rows[0] ?? NOTHING), extents };
}

type Counts = Omit<MergeOutcome, 'extents'>;
const NOTHING: Counts = { inserted: 0, updated: 0, leftToVendor: 0 };

async function merge(staging: Staging, options: MergeOptions): Promise<MergeOutcome> {
  const { resolution } = options;
  const extents = await readExtents(staging);
  if (extents.length === 0) return { ...NOTHING, extents };
  const tickers = extents.map(({ ticker }) => ticker);
  // Transition tables and the sort of the keys go to disk beyond this.
  await staging.query(sql`SET LOCAL work_mem = '64MB'`);
  await staging.query(
    sql`INSERT INTO stock_tickers (ticker, active) SELECT t, false FROM unnest(${tickers}::text[]) t ON CONFLICT DO NOTHING`,
  );
  await staging.query(sql`SELECT lock_series(${tickers}::text[], ${[resolution]}::text[])`);
  const counts = (await anyStored(staging, options, extents))
    ? await mergeInto(staging, options, extents)
    : await insertAll(staging, options);
  return { ...counts, extents };
}

const INSERTED = sql`time, ticker, open, high, low, close, close_adj, volume`;

function sourceOf(staging: Staging): string {
  return `csv:${staging.run ?? 'dry'}`;
}

/** Where nothing is stored between a file's first and last bar, there is nothing to compare. */
async function insertAll(staging: Staging, { resolution }: MergeOptions): Promise<Counts> {
  const { rowCount } = await staging.query(sql`
    INSERT INTO ${pricesTable(resolution)} (${INSERTED}, source)
    SELECT ${INSERTED}, ${sourceOf(staging)} FROM ${staging.table}`);
  return { ...NOTHING, inserted: rowCount ?? 0 };
}

async function mergeInto(staging: Staging, options: MergeOptions, extents: readonly Extent[]): Promise<Counts> {
  const prices = pricesTable(options.resolution);
  const source = sourceOf(staging);
  await staging.query(sql`ANALYZE ${staging.table}`);
  const { rows } = await staging.query(sql<Counts>`
    WITH ${known(staging, options, extents)}, updated AS (
      UPDATE ${prices} bar SET open = s.open, high = s.high, low = s.low, close = s.close,
        close_adj = k.close_adj, volume = k.volume, source = ${source}
      FROM ${staging.table} s JOIN known k USING (row)
      WHERE k.differs AND k.may_change AND bar.ticker = s.ticker AND bar.time = s.time
      RETURNING bar.ticker, bar.time, bar.open, bar.high, bar.low, bar.close
    ), corrected AS (
      UPDATE bar_repairs r SET state = 'superseded', changed_at = now(), changed_by = 'source', recheck_at = NULL
      FROM updated u
      WHERE r.ticker = u.ticker AND r.time = u.time AND r.resolution = ${options.resolution} AND r.state <> 'superseded'
        -- The prices make the case: what was decided about them stands when a file corrects the volume.
        AND (r.old_open, r.old_high, r.old_low, r.old_close) IS DISTINCT FROM (u.open, u.high, u.low, u.close)
    ), inserted AS (
      INSERT INTO ${prices} (${INSERTED}, source)
      SELECT ${INSERTED}, ${source} FROM ${staging.table} s WHERE NOT EXISTS (SELECT FROM known k WHERE k.row = s.row)
      RETURNING 1
    )
    SELECT (SELECT count(*) FROM inserted) AS inserted, (SELECT count(*) FROM updated) AS updated,
      (SELECT count(*) FROM known WHERE differs AND NOT may_change) AS "leftToVendor"`);
  return rows[0] ?? NOTHING;
}

async function readExtents(staging: Staging): Promise<Extent[]> {
  const { rows } = await staging.query(sql<Extent>`
    SELECT ticker, extract(epoch FROM min(time))::bigint AS first, extract(epoch FROM max(time))::bigint AS last
    FROM ${staging.table} GROUP BY ticker ORDER BY ticker`);
  return rows;
}

async function anyStored(staging: Staging, { resolution }: MergeOptions, extents: readonly Extent[]): Promise<boolean> {
  const { rows } = await staging.query(sql<{ any: boolean }>`
    SELECT EXISTS (
      SELECT FROM unnest(${extents.map(({ ticker }) => ticker)}::text[], ${extents.map(({ first }) => first)}::bigint[],
        ${extents.map(({ last }) => last)}::bigint[]) e (ticker, first, last)
      CROSS JOIN LATERAL (SELECT FROM ${pricesTable(resolution)} bar WHERE bar.ticker = e.ticker
        AND bar.time BETWEEN to_timestamp(e.first) AND to_timestamp(e.last) LIMIT 1) stored) AS any`);
  return rows[0]?.any === true;
}

/** `known`: the staged rows whose bar is stored already, what it would become, and whether it may change. */
function known(
  staging: Staging,
  { resolution, overwrite }: MergeOptions,
  extents: readonly Extent[],
): RawBuilder<unknown> {
  const first = extents.reduce((least, extent) => Math.min(least, extent.first), Number.POSITIVE_INFINITY);
  const last = extents.reduce((most, extent) => Math.max(most, extent.last), Number.NEGATIVE_INFINITY);
  return sql`known AS MATERIALIZED (
    SELECT s.row, told.close_adj, told.volume,
      (bar.open, bar.high, bar.low, bar.close, bar.close_adj, bar.volume)
        IS DISTINCT FROM (s.open, s.high, s.low, s.close, told.close_adj, told.volume) AND repair.id IS NULL AS differs,
      ${overwrite}::boolean OR bar.source LIKE 'csv:%' OR bar.source LIKE '%:live' AS may_change
    FROM ${staging.table} s
    JOIN ${pricesTable(resolution)} bar ON bar.ticker = s.ticker AND bar.time = s.time
    -- A bad bar that comes again as it came before has been repaired already.
    LEFT JOIN bar_repairs repair ON repair.ticker = s.ticker AND repair.time = s.time AND repair.resolution = ${resolution}
      AND repair.state = 'repaired'
      AND (repair.old_open, repair.old_high, repair.old_low, repair.old_close) = (s.open, s.high, s.low, s.close)
    -- What the file does not tell stays, an adjusted close only as long as its close does.
    CROSS JOIN LATERAL (SELECT coalesce(s.volume, bar.volume) AS volume,
      CASE WHEN s.close = bar.close THEN coalesce(s.close_adj, bar.close_adj) ELSE s.close_adj END AS close_adj) told
    WHERE bar.time BETWEEN to_timestamp(${first}) AND to_timestamp(${last})
  )`;
}
