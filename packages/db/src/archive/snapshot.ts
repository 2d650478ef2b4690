/** All tables as they were at one moment, read while others write. */
import { type Readable } from 'node:stream';
import { sql } from 'kysely';
import { to as copyTo } from 'pg-copy-streams';
import {
  type ArchiveSequence,
  type ArchiveTable,
  columnNames,
  listArchiveSequences,
  listArchiveTables,
  tableName,
} from './catalogue.ts';
import { SchemaMismatchError } from '../errors.ts';
import { openArchiveSession, type ArchiveSession } from './session.ts';

export interface Snapshot {
  readonly tables: ArchiveTable[];
  readonly facts: SnapshotFacts;
  /** Rows as lines of COPY's text format, in no particular order. One at a time, each to its end. */
  copyOut(table: Pick<ArchiveTable, 'schema' | 'name' | 'columns'>): Readable;
  sequences(): Promise<ArchiveSequence[]>;
  /** For another session that shall see the same rows (SET TRANSACTION SNAPSHOT, pg_dump --snapshot). */
  export(): Promise<string>;
  close(): Promise<void>;
}

export interface SnapshotFacts {
  database: string;
  /** Of the server, as `18.1`. */
  server: string;
  serverMajor: number;
  timescale: string | null;
  epoch: string;
  /** A backup is being restored into it. */
  restoring: boolean;
  /** Where the prices come from; null before the first poll. */
  source: string | null;
  /** Versions of the migrations that were applied. */
  core: string[];
  timescaleMigrations: string[] | null;
  /** By resolution, as `90 days`; only what an operator has set. */
  retention: Record<string, string>;
}

const ATTEMPTS = 5;

/**
 * Takes the moment. Every table is locked against DROP, TRUNCATE and compression (not against reads and writes) before: those
 * would change rows under a snapshot.
 *
 * @param url of the database itself, not through a transaction pooler
 * @throws {DatabaseUnavailableError}
 * @throws {SchemaMismatchError} where our schema is missing
 */
export async function openSnapshot(url: string): Promise<Snapshot> {
  const session = await openArchiveSession(url);
  try {
    await requireSchema(session);
    const tables = await lockTables(session);
    const facts = await readFacts(session);
    return {
      tables,
      facts,
      copyOut: (table) =>
        session.client.query(
          copyTo(session.text(sql`COPY (SELECT ${columnNames(table.columns)} FROM ${tableName(table)}) TO STDOUT`)),
        ),
      sequences: () => listArchiveSequences(session),
      export: async () => (await session.rows(sql<{ id: string }>`SELECT pg_export_snapshot() AS id`))[0]?.id ?? '',
      close: () => session.close(),
    };
  } catch (error) {
    await session.close();
    throw error;
  }
}

async function requireSchema(session: ArchiveSession): Promise<void> {
  const [found] = await session.rows(sql<{ there: boolean; name: string }>`
    SELECT to_regclass('public.schema_migrations') IS NOT NULL AS there, current_database() AS name`);
  if (found?.there === true) return;
  throw new SchemaMismatchError(`The database ${found?.name} does not hold Tapecast's schema.`);
}

/** The list is read twice, before and under the locks: an import may have made or dropped a table in between. */
async function lockTables(session: ArchiveSession): Promise<ArchiveTable[]> {
  for (let attempt = 1; ; attempt++) {
    const seen = await listArchiveTables(session);
    // LOCK takes no snapshot: the transaction's moment is its first query, when all locks are held.
    await session.run(sql`BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY`);
    try {
      if (seen.length > 0) await session.run(sql`LOCK TABLE ${sql.join(seen.map(tableName))} IN ACCESS SHARE MODE`);
      const held = await listArchiveTables(session);
      if (JSON.stringify(held) === JSON.stringify(seen)) return held;
      if (attempt === ATTEMPTS) throw new Error('Tables are being made and dropped all the time: try again later.');
    } catch (error) {
      const gone = error instanceof Error && 'code' in error && error.code === '42P01';
      if (!gone || attempt === ATTEMPTS) throw error;
    }
    await session.run(sql`ROLLBACK`);
  }
}

async function readFacts(session: ArchiveSession): Promise<SnapshotFacts> {
  const [facts] = await session.rows(sql<Omit<SnapshotFacts, 'timescaleMigrations' | 'retention'>>`
    SELECT current_database() AS database, split_part(current_setting('server_version'), ' ', 1) AS server,
      current_setting('server_version_num')::integer / 10000 AS "serverMajor",
      (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescale, current_epoch() AS epoch,
      to_regclass('public.unfinished_restore') IS NOT NULL AS restoring,
      (SELECT source FROM feed_status ORDER BY greatest(ok_at, error_at) DESC NULLS LAST LIMIT 1) AS source,
      (SELECT json_agg(version ORDER BY version) FROM schema_migrations) AS core`);
  if (facts === undefined) throw new Error('The server did not say what it is.');
  if (facts.timescale === null) return { ...facts, timescaleMigrations: null, retention: {} };
  const migrations = await session.rows(
    sql<{ version: string }>`SELECT version FROM schema_migrations_timescale ORDER BY version`,
  );
  const retention = await session.rows(sql<{ resolution: string; keep: string }>`
    SELECT substr(hypertable_name, length('stock_prices_') + 1) AS resolution, config ->> 'drop_after' AS keep
    FROM timescaledb_information.jobs
    WHERE proc_name = 'policy_retention' AND hypertable_name IN ('stock_prices_1m', 'stock_prices_1h', 'stock_prices_1d')`);
  return {
    ...facts,
    timescaleMigrations: migrations.map(({ version }) => version),
    retention: Object.fromEntries(retention.map(({ resolution, keep }) => [resolution, keep])),
  };
}
