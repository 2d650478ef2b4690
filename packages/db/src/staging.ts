/**
 * Staging: rows of a running import wait in an unlogged table of their own, where COPY is fastest, until the whole file has been
 * judged. The connection that fills it holds an advisory lock for as long as its program lives.
 */
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { type RawBuilder, sql } from 'kysely';
import type pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { answering, type Database } from './database.ts';
import { type StagedState } from './ingest-runs.ts';

export interface StagingColumn {
  name: string;
  type: 'bigint' | 'text' | 'double precision';
}

/** One connection, one table, one run. */
export interface Staging {
  /** Null: a dry run, of which nothing stays. */
  readonly run: number | null;
  readonly table: RawBuilder<unknown>;
  /** What was staged before, when a killed run is taken up again. */
  readonly staged: StagedState | null;
  /** Begins to stage: lines of COPY's text format, in chunks that are committed one by one. */
  chunk(): StagingChunk;
  query<T>(statement: RawBuilder<T>): Promise<{ rows: T[]; rowCount: number | null }>;
  /** Runs statements as one transaction. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /** Throws the staged rows away and begins again. */
  reset(): Promise<void>;
  /** @param drop false: the table stays, for the program that goes on later */
  close(drop: boolean): Promise<void>;
}

export interface StagingChunk {
  /** Waits while the server is slower than we are. */
  write(lines: string): Promise<void>;
  /** Commits the chunk together with how far the file is. */
  commit(state: StagedState): Promise<void>;
  /** Gives up what was not committed. */
  abandon(): Promise<void>;
}

/** Any constants of our own: the classes of advisory locks that say that a run, or a dry run, is alive. */
const RUN_LOCK = 7_453_002;
const DRY_LOCK = 7_453_003;

export interface StagingOptions {
  /** Full name; null where the same text cannot be read twice. */
  source: string | null;
  target: string;
  options: Record<string, unknown>;
  columns: readonly StagingColumn[];
}

/**
 * Takes up the killed run of the same file and options, if there is one; cleans up after others that died.
 *
 * @param begin makes a new run where there is nothing to take up; null for a dry run
 */
export async function openStaging(
  db: Database,
  wanted: StagingOptions,
  begin: (() => Promise<number>) | null,
): Promise<Staging> {
  const client = await answering(() => db.pool.connect());
  const query: Query = <T>(statement: RawBuilder<T>) => {
    const { sql: text, parameters } = statement.compile(db.kysely);
    return answering(() => client.query<T & pg.QueryResultRow>(text, [...parameters]));
  };
  try {
    const lost = (): void => undefined; // the statement that needs the connection reports it
    client.on('error', lost);
    await dropDeadDryRuns(query);
    const taken = await takeUp(query, begin === null ? { ...wanted, source: null } : wanted);
    const run = begin === null ? null : (taken?.run ?? (await begin()));
    const number = run ?? randomInt(1, 2 ** 31);
    const table = sql.table(`staging.${run === null ? 'dry' : 'run'}_${number}`);
    if (taken === null) {
      await query(sql`SELECT pg_advisory_lock(${run === null ? DRY_LOCK : RUN_LOCK}::integer, ${number}::integer)`);
      await query(createTable(table, wanted.columns));
    }
    return staging({ db, client, query, run, table, columns: wanted.columns, staged: taken?.staged ?? null });
  } catch (error) {
    client.release(true);
    throw error;
  }
}

function stagingTable(run: number): RawBuilder<unknown> {
  return sql.table(`staging.run_${run}`);
}

async function dropDeadDryRuns(query: Query): Promise<void> {
  const { rows } = await query(sql<{ name: string }>`
    SELECT relname AS name FROM pg_class WHERE relnamespace = 'staging'::regnamespace AND relkind = 'r'
      AND relname LIKE 'dry\\_%' AND pg_try_advisory_lock(${DRY_LOCK}::integer, substr(relname, 5)::integer)`);
  for (const { name } of rows) {
    await query(sql`DROP TABLE IF EXISTS ${sql.table(`staging.${name}`)}`);
    await query(sql`SELECT pg_advisory_unlock(${DRY_LOCK}::integer, ${Number(name.slice(4))}::integer)`);
  }
}

type Query = Staging['query'];

interface Dead {
  run: number;
  staged: StagedState | null;
  same: boolean;
}

async function takeUp(
  query: Query,
  wanted: Omit<StagingOptions, 'columns'>,
): Promise<{ run: number; staged: StagedState } | null> {
  // A lock that we get belongs to nobody alive.
  const { rows } = await query(sql<Dead>`
    SELECT id AS run, staged,
      coalesce(source = ${wanted.source}::text, false) AND target = ${wanted.target} AND options = ${JSON.stringify(wanted.options)}::jsonb AS same
    FROM ingest_runs WHERE status = 'running' AND pg_try_advisory_lock(${RUN_LOCK}::integer, id::integer)
    ORDER BY id DESC`);
  let found: { run: number; staged: StagedState } | null = null;
  for (const { run, staged, same } of rows) {
    if (found === null && same && staged !== null && (await isWhole(query, run, staged))) {
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

/** Unlogged tables are empty after a crash of the server. */
async function isWhole(query: Query, run: number, staged: StagedState): Promise<boolean> {
  const { rows: there } = await query(
    sql<{ there: boolean }>`SELECT to_regclass(${`staging.run_${run}`}) IS NOT NULL AS there`,
  );
  if (there[0]?.there !== true) return false;
  const { rows } = await query(
    sql<{ last: number | null; count: number }>`SELECT max(row) AS last, count(*) AS count FROM ${stagingTable(run)}`,
  );
  return (rows[0]?.last ?? 0) <= staged.row && rows[0]?.count === staged.rows;
}

function createTable(table: RawBuilder<unknown>, columns: readonly StagingColumn[]): RawBuilder<unknown> {
  const list = columns.map(({ name, type }) => sql`${sql.ref(name)} ${sql.raw(type)}`);
  return sql`CREATE UNLOGGED TABLE ${table} (row bigint NOT NULL, ${sql.join(list)}) WITH (autovacuum_enabled = false)`;
}

function staging(parts: {
  db: Database;
  client: pg.PoolClient;
  query: Query;
  run: number | null;
  table: RawBuilder<unknown>;
  columns: readonly StagingColumn[];
  staged: StagedState | null;
}): Staging {
  const { db, client, query, run, table, columns } = parts;
  const names = sql.join([sql.ref('row'), ...columns.map(({ name }) => sql.ref(name))]);
  const copy = sql`COPY ${table} (${names}) FROM STDIN`.compile(db.kysely).sql;

  let open: StagingChunk | undefined;

  async function transaction<T>(work: () => Promise<T>): Promise<T> {
    await query(sql`BEGIN ISOLATION LEVEL READ COMMITTED`);
    try {
      const result = await work();
      await query(sql`COMMIT`);
      return result;
    } catch (error) {
      await query(sql`ROLLBACK`).catch(() => undefined); // a broken connection has rolled back by itself
      throw error;
    }
  }

  return {
    run,
    table,
    staged: parts.staged,
    query,
    transaction,
    chunk: () => {
      open = openChunk(client, copy, query, run);
      return open;
    },
    reset: async () => {
      await query(sql`TRUNCATE ${table}`);
      if (run !== null) await query(sql`UPDATE ingest_runs SET staged = NULL WHERE id = ${run}`);
    },
    close: async (drop) => {
      try {
        await open?.abandon();
        if (drop) await query(sql`DROP TABLE IF EXISTS ${table}`);
      } finally {
        client.release(true); // with it goes the lock
      }
    },
  };
}

/** The transaction opens with the first line, so that an empty chunk costs nothing. */
function openChunk(client: pg.PoolClient, copy: string, query: Query, run: number | null): StagingChunk {
  let stream: ReturnType<typeof copyFrom> | undefined;
  let failure: unknown;
  return {
    write: async (lines) => {
      if (lines === '') return;
      if (stream === undefined) {
        await query(sql`BEGIN`);
        stream = client.query(copyFrom(copy));
        stream.on('error', (error) => (failure ??= error));
      }
      if (failure !== undefined) throw failure;
      if (!stream.write(lines)) await Promise.race([once(stream, 'drain'), once(stream, 'close')]);
      if (failure !== undefined) throw failure;
    },
    commit: async (state) => {
      if (stream === undefined) return;
      const current = stream;
      await answering(async () => {
        if (failure !== undefined) throw failure;
        const finished = once(current, 'finish');
        current.end();
        await finished;
      });
      if (run !== null) {
        await query(sql`UPDATE ingest_runs SET staged = ${JSON.stringify(state)}::jsonb WHERE id = ${run}`);
      }
      await query(sql`COMMIT`);
      stream = undefined;
    },
    abandon: async () => {
      if (stream === undefined) return;
      // The server has to hear that no more lines come: it would wait for them, and the next statement for it.
      const closed = once(stream, 'close');
      stream.destroy();
      await closed.catch(() => undefined);
      await query(sql`ROLLBACK`);
      stream = undefined;
    },
  };
}
