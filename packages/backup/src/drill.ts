/** A restore drill: a backup that was never restored is a hope. Into a database of its own, compared row for row, and dropped. */
import { randomBytes } from 'node:crypto';
import { databaseNamed, dropDatabase, listDatabasesLike } from '@tapecast/db/archive/databases';
import { type Archive } from './archives.ts';
import { type Restored, restoreBackup } from './restore-backup.ts';
import { type Storage } from './storage/storage.ts';

const NAME = 'tapecast_drill_';

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
  // Of drills that were killed.
  for (const { name, used } of await listDatabasesLike(drill.url, NAME)) {
    if (!used) await dropDatabase(drill.url, name);
  }
  const name = `${NAME}${randomBytes(6).toString('hex')}`;
  try {
    return await restoreBackup({ ...drill, url: databaseNamed(drill.url, name), compare: true });
  } finally {
    await dropDatabase(drill.url, name);
  }
}
