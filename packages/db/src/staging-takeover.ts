/**
 * Runs whose program died: found by the advisory lock that nobody holds any more. The one of the same file and options is taken up,
 * others are closed and their rows thrown away.
 */
import { type RawBuilder, sql } from 'kysely';
import { type StagedState } from './ingest-runs.ts';
import { type StagingColumn } from './staging-chunk.ts';

type Query = <T>(statement: RawBuilder<T>) => Promise<{ rows: T[]; rowCount: number | null }>;

/** Any constants of our own: the classes of advisory locks that say that a run, or a dry run, is alive. */
export const RUN_LOCK = 7_453_002;
export const DRY_LOCK = 7_453_003;

export interface Wanted {
  /** Full name; null where nothing can be taken up, since the same text cannot be read twice. */
  source: string | null;
  target: string;
  options: Record<string, unknown>;
  columns: readonly StagingColumn[];
}

export function stagingTable(run: number): RawBuilder<unknown> {
  return sql.table(`staging.run_${run}`);
}

export async function dropDeadDryRuns(query: Query): Promise<void> {
  const { rows } = await query(sql<{ name: string }>`
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relkind = 'r'
      AND relname LIKE 'dry\\_%' AND pg_try_advisory_lock(${DRY_LOCK}::integer, substr(relname, 5)::integer)`);
  for (const { name } of rows) {
    await query(sql`DROP TABLE IF EXISTS ${sql.table(`staging.${name}`)}`);
    await query(sql`SELECT pg_advisory_unlock(${DRY_LOCK}::integer, ${Number(name.slice(4))}::integer)`);
  }
}

interface Dead {
  run: number;
  staged: StagedState | null;
  same: boolean;
}

/** @returns the run to go on with, whose lock we hold now */
export async function takeUp(query: Query, wanted: Wanted): Promise<{ run: number; staged: StagedState } | null> {
  // A lock that we get belongs to nobody alive.
  const { rows } = await query(sql<Dead>`
    SELECT id AS run, staged,
      coalesce(source = ${wanted.source}::text, false) AND target = ${wanted.target} AND options = ${JSON.stringify(wanted.options)}::jsonb AS same
    FROM ingest_runs WHERE status = 'running' AND pg_try_advisory_lock(${RUN_LOCK}::integer, id::integer)
    ORDER BY id DESC`);
  let found: { run: number; staged: StagedState } | null = null;
  for (const { run, staged, same } of rows) {
    if (found === null && same && staged !== null && (await isWhole(query, run, staged, wanted.columns))) {
      found = { run, staged };
      continue;
    }
    await query(sql`DROP TABLE IF EXISTS ${stagingTable(run)}`);
    await query(
      sql`UPDATE ingest_runs SET status = 'interrupted', staged = NULL, finished_at = now(), error = 'The program ended before the run did; nothing was kept.' WHERE id = ${run}`,
    );
    await query(sql`SELECT pg_advisory_unlock(${RUN_LOCK}::integer, ${run}::integer)`);
  }
  return found;
}

/** Unlogged tables are empty after a crash of the server, and another version of this program may have made other columns. */
async function isWhole(
  query: Query,
  run: number,
  staged: StagedState,
  columns: readonly StagingColumn[],
): Promise<boolean> {
  const { rows: held } = await query(sql<{ name: string; type: string }>`
    SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
    WHERE attrelid = to_regclass(${`staging.run_${run}`}) AND attnum > 1 AND NOT attisdropped ORDER BY attnum`);
  const same =
    held.length === columns.length &&
    columns.every(({ name, type }, place) => held[place]?.name === name && held[place].type === type);
  if (!same) return false;
  const { rows } = await query(
    sql<{ last: number | null; count: number }>`SELECT max(row) AS last, count(*) AS count FROM ${stagingTable(run)}`,
  );
  return (rows[0]?.last ?? 0) <= staged.row && rows[0]?.count === staged.rows;
}
