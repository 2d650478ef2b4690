/** Reads a whole archive: checksums, and the rows in it. */
import { type Archive } from './archives.ts';
import { BackupError } from './errors.ts';
import { archivePath, nowhere, readTable, verifyFile } from './read-table.ts';
import { type Storage } from './storage/storage.ts';

export interface Verified {
  files: number;
  /** What is wrong, file by file; empty when all is well. */
  faults: string[];
}

export async function verifyBackup(
  storage: Storage,
  archive: Archive,
  options: { signal?: AbortSignal; onProgress?: (file: string) => void } = {},
): Promise<Verified> {
  const { signal, onProgress = () => undefined } = options;
  const { tables, pgDump } = archive.manifest;
  const faults: string[] = [];
  const judge = async (file: string, work: () => Promise<void>) => {
    onProgress(file);
    try {
      await work();
    } catch (error) {
      if (!(error instanceof BackupError)) throw error;
      faults.push(error.message);
    }
  };
  for (const table of tables) {
    await judge(table.file, () => readTable(storage, archive, table, nowhere(), { signal }));
  }
  if (pgDump !== null) await judge(pgDump.file, () => verifyFile(storage, archivePath(archive, pgDump.file), pgDump));
  return { files: tables.length + (pgDump === null ? 0 : 1), faults };
}
