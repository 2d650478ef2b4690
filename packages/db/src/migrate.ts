/**
 * Migrations, by dbmate: sql/core everywhere, sql/timescale in a database that has the extension, each with a table of its
 * own. One process migrates at a time, under an advisory lock; services only check that the schema is the one they were
 * written for.
 */
import { execFile } from 'node:child_process';
import { copyFile, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { resolveBinary } from 'dbmate';
import { sql } from 'kysely';
import pg from 'pg';
import { answering, type Database } from './database.ts';
import { MigrationError, SchemaMismatchError } from './errors.ts';
import { createTimescaleIfNew, refuseOldTimescale, timescaleVersion } from './timescale.ts';

export interface MigrationSet {
  name: 'core' | 'timescale';
  /** Folder of .sql files. */
  folder: string;
  /** Where dbmate notes what has been applied. */
  table: string;
}

export const CORE_MIGRATIONS: MigrationSet = {
  name: 'core',
  folder: fileURLToPath(new URL('../../../sql/core/', import.meta.url)),
  table: 'schema_migrations',
};
export const TIMESCALE_MIGRATIONS: MigrationSet = {
  name: 'timescale',
  folder: fileURLToPath(new URL('../../../sql/timescale/', import.meta.url)),
  table: 'schema_migrations_timescale',
};

export interface Migrated {
  /** Version of TimescaleDB in this database; null on plain PostgreSQL. */
  timescale: string | null;
}

/** Any constant of our own; pg_advisory_lock takes it for the whole database. */
const MIGRATION_LOCK = 7_453_001;
const run = promisify(execFile);

/**
 * Brings the database to the newest schema. A new database gets TimescaleDB where the server offers it; one that has been
 * plain stays so until `moveToTimescale`.
 * @throws {MigrationError} with what dbmate said
 */
export async function migrate(options: { url: string }): Promise<Migrated> {
  const { url } = options;
  return underLock(url, async (client) => {
    await createTimescaleIfNew(client, url);
    await dbmate(url, CORE_MIGRATIONS, ['migrate']);
    const timescale = await timescaleVersion(client);
    if (timescale !== null) {
      refuseOldTimescale(timescale);
      await dbmate(url, TIMESCALE_MIGRATIONS, ['migrate']);
    }
    return { timescale };
  });
}

/**
 * Gives an empty database the schema that another one has: these core migrations and no other, tables still plain. `migrate` brings
 * it from there to the newest.
 *
 * @param options.versions as in schema_migrations
 * @throws {SchemaMismatchError} for versions that are not known here
 * @throws {MigrationError}
 */
export async function migrateExactly(options: { url: string; versions: readonly string[] }): Promise<void> {
  const { url, versions } = options;
  const files = await coreFiles();
  const unknown = versions.filter((version) => !files.has(version));
  if (unknown.length > 0) {
    throw new SchemaMismatchError(
      `This version does not know the migrations ${unknown.join(', ')}. Update Tapecast to the version that made them.`,
    );
  }
  const folder = await mkdtemp(join(tmpdir(), 'tapecast-migrations-'));
  try {
    for (const version of versions) {
      const file = files.get(version) ?? '';
      await copyFile(join(CORE_MIGRATIONS.folder, file), join(folder, file));
    }
    await underLock(url, async (client) => {
      await createTimescaleIfNew(client, url);
      await dbmate(url, { ...CORE_MIGRATIONS, folder }, ['migrate']);
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Core migrations of this version that are not among `versions`. */
export async function coreMigrationsBeyond(versions: readonly string[]): Promise<string[]> {
  return [...(await coreFiles()).keys()].filter((version) => !versions.includes(version));
}

/** File by version. */
async function coreFiles(): Promise<Map<string, string>> {
  const files = (await readdir(CORE_MIGRATIONS.folder)).filter((file) => file.endsWith('.sql'));
  return new Map(files.toSorted().map((file) => [file.split('_')[0] ?? '', file]));
}

async function underLock<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'tapecast-migrate',
  });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [MIGRATION_LOCK]);
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * Runs dbmate on one set of migrations; answers what it printed.
 * @throws {MigrationError} with what dbmate said
 */
export async function dbmate(url: string, set: MigrationSet, args: readonly string[]): Promise<string> {
  const program = findDbmate();
  const options = ['--migrations-dir', set.folder, '--migrations-table', set.table, '--no-dump-schema'];
  try {
    const { stdout } = await run(program, [...options, ...args], {
      env: { ...process.env, DATABASE_URL: withSslMode(url) },
    });
    return stdout;
  } catch (error) {
    const said = error instanceof Error && 'stderr' in error ? String(error.stderr).trim() : '';
    throw new MigrationError(`The database could not be migrated: ${said || String(error)}`, { cause: error });
  }
}

/** npm installs dbmate's program for this platform as an optional package, hence sometimes without a word not at all. */
function findDbmate(): string {
  try {
    return resolveBinary();
  } catch (cause) {
    const name = `@dbmate/${process.platform}-${process.arch}`;
    throw new MigrationError(
      `dbmate's program for this platform is not installed. Install it (npm install --no-save ${name}), then start again.`,
      { cause },
    );
  }
}

/** dbmate's driver insists on TLS unless told otherwise; ours does not use it unless told to. */
function withSslMode(text: string): string {
  const url = new URL(text);
  if (!url.searchParams.has('sslmode')) url.searchParams.set('sslmode', 'disable');
  return url.href;
}

/**
 * Refuses to work on a schema that this version does not know.
 * @throws {SchemaMismatchError} older: migrate first; newer: update the service
 */
export async function assertSchema(db: Database): Promise<void> {
  const known = [...(await coreFiles()).keys()];
  const { rows } = await answering(() =>
    sql<{ version: string; restoring: boolean }>`
      SELECT version, to_regclass('public.unfinished_restore') IS NOT NULL AS restoring FROM schema_migrations`
      .execute(db.kysely)
      .catch((error: unknown) => {
        if (error instanceof Error && 'code' in error && error.code === '42P01') return { rows: [] };
        throw error;
      }),
  );
  if (rows.some(({ restoring }) => restoring)) {
    throw new SchemaMismatchError(
      'A backup is being restored into this database, or its restore was cut short. Wait for it, or run tapecast restore again with the same archive.',
    );
  }
  const applied = new Set(rows.map((row) => row.version));
  const missing = known.filter((version) => !applied.has(version));
  if (missing.length > 0) {
    throw new SchemaMismatchError(
      `The database lacks the migrations ${missing.join(', ')}. Run the migrations, then start again.`,
    );
  }
  const newest = known.toSorted().at(-1) ?? '';
  const unknown = [...applied].filter((version) => version > newest);
  if (unknown.length > 0) {
    throw new SchemaMismatchError(
      `The database has the migrations ${unknown.join(', ')}, which this version does not know. Update Tapecast to the version that made them.`,
    );
  }
}
