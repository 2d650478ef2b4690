/**
 * An archive into a database: the schema of the archive, all rows in one transaction, then the migrations that are newer, and a
 * new epoch. From the first step to the last the database carries a mark, with which no service starts on it.
 */
import {
  createEmptyDatabase,
  databaseExists,
  databaseNamed,
  databaseOf,
  swapDatabases,
} from '@tapecast/db/archive/databases';
import { loadTables } from '@tapecast/db/archive/load';
import { openArchiveSession, type ArchiveSession } from '@tapecast/db/archive/session';
import {
  finishRestore,
  isEmpty,
  lockForRestore,
  markUnfinished,
  readUnfinished,
  setRetention,
} from '@tapecast/db/archive/unfinished';
import { coreMigrationsBeyond, migrate, migrateExactly } from '@tapecast/db/migrate';
import { SchemaMismatchError } from '@tapecast/db/errors';
import { type Archive } from './archives.ts';
import { compareRows } from './compare-rows.ts';
import { BackupError, RestoreMismatchError, TargetNotEmptyError } from './errors.ts';
import { archiveRows } from './manifest.ts';
import { readTable } from './read-table.ts';
import { type Storage } from './storage/storage.ts';

export interface RestoreOptions {
  storage: Storage;
  archive: Archive;
  /** The target, as an owner who may migrate; created where it is missing. It must be empty, or begun with the same archive. */
  url: string;
  /** Reads every row back from the database and compares it with the archive. */
  compare?: boolean;
  signal?: AbortSignal;
  onProgress?: (step: string) => void;
}

export interface Restored {
  database: string;
  rows: number;
  tables: number;
  epoch: string;
  /** Version of TimescaleDB in the target; null where it is plain PostgreSQL. */
  timescale: string | null;
  compared: boolean;
}

/**
 * @throws {CorruptArchiveError} naming the file; no row is in the database
 * @throws {TargetNotEmptyError} nothing was touched
 * @throws {SchemaMismatchError} the archive is of a newer schema
 */
export async function restoreBackup(options: RestoreOptions): Promise<Restored> {
  const { archive, url, signal, compare = false, onProgress = () => undefined } = options;
  const { manifest } = archive;
  const ahead = await refuseNewer(archive);
  if (!(await databaseExists(url))) await createEmptyDatabase(url, databaseOf(url));
  const session = await openArchiveSession(url);
  try {
    const loaded = await begin(session, archive, databaseOf(url));
    if (!loaded) {
      onProgress('bringing the schema to that of the archive');
      await migrateExactly({ url, versions: manifest.migrations.core });
      await load(session, options);
    }
    if (compare && ahead.length > 0) await compareRows(url, manifest, { signal, onProgress });
    onProgress('bringing the schema to its newest version');
    const { timescale } = await migrate({ url });
    if (timescale !== null) {
      for (const [resolution, keep] of Object.entries(manifest.retention))
        await setRetention(session, resolution, keep);
    }
    // Migrations that came later may change rows: those cannot be compared after them.
    if (compare && ahead.length === 0) await compareRows(url, manifest, { signal, onProgress });
    signal?.throwIfAborted();
    const epoch = await finishRestore(session);
    const rows = archiveRows(manifest);
    return { database: databaseOf(url), rows, tables: manifest.tables.length, epoch, timescale, compared: compare };
  } finally {
    await session.close();
  }
}

/**
 * Restores beside a database that is in use and then puts it in its place in one step; the old one stays under another name.
 *
 * @returns the name that the old one has now
 */
export async function restoreInPlace(options: RestoreOptions, now = new Date()): Promise<Restored & { aside: string }> {
  const name = databaseOf(options.url);
  if (!(await databaseExists(options.url))) {
    throw new BackupError(`There is no database ${name} to put aside: restore without --swap.`);
  }
  const stamp = now
    .toISOString()
    .replace(/\.\d+Z/, '')
    .replace(/[-:T]/g, '');
  const [fresh, aside] = [`${name.slice(0, 40)}_fresh_${stamp}`, `${name.slice(0, 40)}_before_${stamp}`];
  const restored = await restoreBackup({ ...options, url: databaseNamed(options.url, fresh) });
  options.onProgress?.(`putting it in the place of ${name}`);
  await swapDatabases(options.url, { name, fresh, aside });
  return { ...restored, database: name, aside };
}

/** @returns core migrations that the archive does not have yet */
async function refuseNewer({ manifest, name }: Archive): Promise<string[]> {
  const known = await coreMigrationsBeyond([]);
  const unknown = manifest.migrations.core.filter((version) => !known.includes(version));
  if (unknown.length > 0) {
    throw new SchemaMismatchError(
      `The backup ${name} has the migrations ${unknown.join(', ')}, which this version of Tapecast does not know. ` +
        'Restore it with the version that made it, or a newer one.',
    );
  }
  return coreMigrationsBeyond(manifest.migrations.core);
}

/** @returns whether the rows of this archive are there already, from a restore that was cut short afterwards */
async function begin(session: ArchiveSession, archive: Archive, database: string): Promise<boolean> {
  if (!(await lockForRestore(session))) {
    throw new BackupError(`Another restore into ${database} is under way. Wait for it.`);
  }
  const { id } = archive.manifest;
  const unfinished = await readUnfinished(session);
  if (unfinished === null) {
    if (!(await isEmpty(session))) {
      throw new TargetNotEmptyError(
        `${database} is not empty, and nothing of it was touched. Restore into another database (--into NAME, it is created), ` +
          `or put the backup in its place and keep the old one under another name (--swap).`,
      );
    }
    await markUnfinished(session, id);
    return false;
  }
  if (unfinished.archive !== id) {
    throw new TargetNotEmptyError(
      `${database} holds a restore of another backup that was cut short. Drop that database, or go on with the same backup.`,
    );
  }
  return unfinished.loaded;
}

async function load(session: ArchiveSession, options: RestoreOptions): Promise<void> {
  const { storage, archive, signal, onProgress = () => undefined } = options;
  const { tables, sequences } = archive.manifest;
  let total = 0;
  await loadTables(session, {
    tables,
    sequences,
    copy: async (table, sink) => {
      const before = total;
      await readTable(storage, archive, table, sink, {
        signal,
        onRows: (rows) => {
          total = before + rows;
          onProgress(`${total.toLocaleString('en-US')} rows, in ${table.name}`);
        },
      });
      if (sink.rowCount !== table.rows) {
        throw new RestoreMismatchError(
          `${table.schema}.${table.name} took ${sink.rowCount} of ${table.rows} rows; nothing was kept.`,
        );
      }
    },
  });
}
