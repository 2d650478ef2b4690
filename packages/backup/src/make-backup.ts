/** One snapshot of a database into an archive: a file a table, streamed, and the manifest last. */
import { randomBytes, randomUUID } from 'node:crypto';
import { PassThrough, Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { openSnapshot, type Snapshot } from '@tapecast/db/archive/snapshot';
import { type ArchiveTable } from '@tapecast/db/archive/catalogue';
import { type Archive, archiveName, removeArchive } from './archives.ts';
import { BackupError } from './errors.ts';
import { fileHash } from './file-hash.ts';
import { MANIFEST, readManifest, writeManifest, type ManifestTable } from './manifest.ts';
import { dumpWithPgDump, findPgDump } from './pg-dump.ts';
import { RowDigest, throughDigest } from './row-digest.ts';
import { type Storage } from './storage/storage.ts';

export interface BackupOptions {
  /** Of the database itself, not through a transaction pooler; a login that may read all tables. */
  url: string;
  storage: Storage;
  /** Adds pg_dump's custom format of the same snapshot. */
  pgDump?: boolean;
  signal?: AbortSignal;
  onProgress?: (progress: { table: string; rows: number }) => void;
}

/**
 * @throws {BackupError} for the place or pg_dump; {DatabaseUnavailableError}. Nothing that passes for a backup stays.
 */
export async function makeBackup(options: BackupOptions): Promise<Archive> {
  const { storage, signal = new AbortController().signal, onProgress = () => undefined } = options;
  const began = performance.now();
  const snapshot = await openSnapshot(options.url);
  const madeAt = new Date();
  const { facts } = snapshot;
  const name = archiveName(facts.database, madeAt, randomBytes(3).toString('hex'));
  try {
    if (facts.restoring) {
      throw new BackupError(
        `A backup is being restored into ${facts.database}, or its restore was cut short: there is nothing whole to back up.`,
      );
    }
    const program = options.pgDump === true ? await findPgDump(facts.serverMajor) : null;
    let total = 0;
    const tables: ManifestTable[] = [];
    for (const table of snapshot.tables) {
      const before = total;
      const copied = await copyTable(snapshot, table, { storage, name, signal }, (rows) => {
        total = before + rows;
        onProgress({ table: table.name, rows: total });
      });
      tables.push({ ...table, ...copied });
    }
    const sequences = await snapshot.sequences();
    const pgDump =
      program === null
        ? null
        : await dumpWithPgDump({
            program,
            url: options.url,
            snapshot: await snapshot.export(),
            signal,
            write: (path, source) => storage.write(`${name}/${path}`, source),
          });
    const text = writeManifest({
      id: randomUUID(),
      madeAt: madeAt.toISOString(),
      seconds: Math.round(performance.now() - began) / 1_000,
      database: { name: facts.database, source: facts.source, epoch: facts.epoch },
      server: { version: facts.server, timescale: facts.timescale },
      migrations: { core: facts.core, timescale: facts.timescaleMigrations },
      retention: facts.retention,
      tables,
      sequences,
      pgDump,
    });
    signal.throwIfAborted();
    await storage.write(`${name}/${MANIFEST}`, Readable.from([Buffer.from(text)]));
    return { name, madeAt, manifest: readManifest(text, MANIFEST) };
  } catch (error) {
    await removeArchive(storage, name).catch(() => undefined); // without a manifest it is no backup anyway
    throw error;
  } finally {
    await snapshot.close();
  }
}

async function copyTable(
  snapshot: Snapshot,
  table: ArchiveTable,
  to: { storage: Storage; name: string; signal: AbortSignal },
  onRows: (rows: number) => void,
): Promise<Pick<ManifestTable, 'file' | 'bytes' | 'sha256' | 'rows' | 'digest'>> {
  const digest = new RowDigest();
  const hashed = fileHash();
  const file = `${encodeURIComponent(table.schema)}.${encodeURIComponent(table.name)}.copy.gz`;
  const stored = new PassThrough();
  await Promise.all([
    pipeline(snapshot.copyOut(table), throughDigest(digest, onRows), createGzip(), hashed.stream, stored, {
      signal: to.signal,
    }),
    to.storage.write(`${to.name}/${file}`, stored).catch((error: unknown) => {
      stored.destroy(error instanceof Error ? error : new Error(String(error)));
      throw error;
    }),
  ]);
  return { file, ...hashed.result(), rows: digest.rows, digest: digest.hex() };
}
