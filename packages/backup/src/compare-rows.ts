/** Reads every table of a database and compares it with an archive, row for row. */
import { pipeline } from 'node:stream/promises';
import { openSnapshot } from '@tapecast/db/archive/snapshot';
import { RestoreMismatchError } from './errors.ts';
import { type Manifest } from './manifest.ts';
import { nowhere } from './read-table.ts';
import { RowDigest, throughDigest } from './row-digest.ts';

/** @throws {RestoreMismatchError} naming the tables */
export async function compareRows(
  url: string,
  manifest: Manifest,
  options: { signal?: AbortSignal | undefined; onProgress?: (step: string) => void } = {},
): Promise<void> {
  const { signal, onProgress = () => undefined } = options;
  const snapshot = await openSnapshot(url);
  const wrong: string[] = [];
  try {
    for (const table of manifest.tables) {
      onProgress(`comparing ${table.name}`);
      const digest = new RowDigest();
      const stages = [snapshot.copyOut(table), throughDigest(digest), nowhere()] as const;
      await pipeline(...stages, signal === undefined ? {} : { signal });
      if (digest.rows !== table.rows)
        wrong.push(`${table.schema}.${table.name} has ${digest.rows} of ${table.rows} rows`);
      else if (digest.hex() !== table.digest) wrong.push(`${table.schema}.${table.name} has other values`);
    }
  } finally {
    await snapshot.close();
  }
  if (wrong.length > 0)
    throw new RestoreMismatchError(`The database is not what the backup holds: ${wrong.join('; ')}.`);
}
