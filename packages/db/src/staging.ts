/**
 * Staging: rows of a running import wait in an unlogged table of their own, where COPY is fastest, until the whole file has been
 * judged. The connection that fills it holds an advisory lock for as long as its program lives.
 */
import { randomInt } from 'node:crypto';
import { type RawBuilder, sql } from 'kysely';
import type pg from 'pg';
import { answering, type Database } from './database.ts';
import { type StagedState } from './ingest-runs.ts';
import { openChunk, type StagingChunk, type StagingFormat } from './staging-chunk.ts';
import { DRY_LOCK, dropDeadDryRuns, RUN_LOCK, takeUp, type Wanted } from './staging-takeover.ts';

/** One connection, one table, one run. */
export interface Staging {
  /** Null: a dry run, of which nothing stays. */
  readonly run: number | null;
  readonly table: RawBuilder<unknown>;
  /** What was staged before, when a killed run is taken up again. */
  readonly staged: StagedState | null;
  /** Begins to stage: rows in the table's format, in chunks that are committed one by one. */
  chunk(): StagingChunk;
  query<T>(statement: RawBuilder<T>): Promise<{ rows: T[]; rowCount: number | null }>;
  /** Runs statements as one transaction. */
  transaction<T>(work: () => Promise<T>): Promise<T>;
  /** Throws the staged rows away and begins again. */
  reset(): Promise<void>;
  /** @param drop false: the table stays, for the program that goes on later */
  close(drop: boolean): Promise<void>;
}

export interface StagingOptions extends Wanted {
  format: StagingFormat;
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
    const { columns, format } = wanted;
    return staging({ db, client, query, run, table, columns, format, staged: taken?.staged ?? null });
  } catch (error) {
    client.release(true);
    throw error;
  }
}

type Query = Staging['query'];

function createTable(table: RawBuilder<unknown>, columns: Wanted['columns']): RawBuilder<unknown> {
  const list = columns.map(({ name, type }) => sql`${sql.ref(name)} ${sql.raw(type)}`);
  return sql`CREATE UNLOGGED TABLE ${table} (row bigint NOT NULL, ${sql.join(list)}) WITH (autovacuum_enabled = false)`;
}

function staging(parts: {
  db: Database;
  client: pg.PoolClient;
  query: Query;
  run: number | null;
  table: RawBuilder<unknown>;
  columns: Wanted['columns'];
  format: StagingFormat;
  staged: StagedState | null;
}): Staging {
  const { db, client, query, run, table, columns, format } = parts;
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
      open = openChunk({ client, copy, format, query, run });
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
