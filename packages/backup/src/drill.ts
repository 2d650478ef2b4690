/** A restore drill: a backup that was never restored is a hope. Into a database of its own, compared row for row, and dropped. */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { databaseNamed, dropDatabase, listDatabasesLike } from '@tapecast/db/archive/databases';
import { type Archive } from './archives.ts';
import { type Restored, restoreBackup } from './restore-backup.ts';
import { type Storage } from './storage/storage.ts';

/** A database that was just made has nobody in it for a moment. */
const MOMENT_MS = 1_000;

/**
 * @param drill.url any database of the server on which it is tried; the login needs CREATEDB
 * @throws what restoreBackup() throws, and RestoreMismatchError
 */
export async function drillRestore(drill: {
  storage: Storage;
  archive: Archive;
  url: string;
  signal?: AbortSignal;
  onProgress?: (step: string) => void;
}): Promise<Restored> {
  const beginning = `${drill.archive.manifest.database.name.slice(0, 40)}_drill_`;
  await dropDead(drill.url, beginning);
  const name = `${beginning}${randomBytes(6).toString('hex')}`;
  try {
    return await restoreBackup({ ...drill, url: databaseNamed(drill.url, name), compare: true });
  } finally {
    await dropDatabase(drill.url, name);
  }
}

/** Databases of drills that were killed: those in which nobody is, twice. */
async function dropDead(url: string, beginning: string): Promise<void> {
  const unused = async () =>
    (await listDatabasesLike(url, beginning)).flatMap(({ name, used }) => (used ? [] : [name]));
  const first = await unused();
  if (first.length === 0) return;
  await sleep(MOMENT_MS);
  for (const name of await unused()) if (first.includes(name)) await dropDatabase(url, name);
}
