/** From what a person names to an archive. */
import { type Archive, isArchiveName, newestArchive, openArchive } from './archives.ts';
import { BackupError, CorruptArchiveError } from './errors.ts';
import { type S3Settings } from './settings.ts';
import { openStorage } from './storage/open-storage.ts';
import { type Storage } from './storage/storage.ts';

/**
 * @param source an archive's folder, or a place with several, of which the newest is taken
 * @throws {BackupError}
 */
export async function findArchive(
  source: string,
  s3: S3Settings,
  database?: string,
): Promise<{ storage: Storage; archive: Archive }> {
  const [, place, name = ''] = /^(.*?)\/?([^/]*)\/*$/.exec(source) ?? [];
  if (isArchiveName(name)) {
    const storage = openStorage(place === '' || place === undefined ? '.' : place, s3);
    return { storage, archive: await openArchive(storage, name) };
  }
  const storage = openStorage(source, s3);
  try {
    return { storage, archive: await openArchive(storage, '') }; // an archive in a folder with another name
  } catch (error) {
    if (!(error instanceof BackupError) || error instanceof CorruptArchiveError) throw error;
    return { storage, archive: await newestArchive(storage, database) };
  }
}
