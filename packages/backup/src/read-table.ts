/** A table's file on its way out of an archive: unpacked, counted, and compared with the manifest. */
import { Transform, Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { type Archive } from './archives.ts';
import { CorruptArchiveError } from './errors.ts';
import { fileHash } from './file-hash.ts';
import { type ManifestTable } from './manifest.ts';
import { RowDigest, throughDigest } from './row-digest.ts';
import { type Storage } from './storage/storage.ts';

export function archivePath(archive: Pick<Archive, 'name'>, file: string): string {
  return archive.name === '' ? file : `${archive.name}/${file}`;
}

/**
 * Writes the rows into `sink` and ends it. A damaged file fails before `sink` is told that all went well.
 *
 * @throws {CorruptArchiveError} naming the file
 */
export async function readTable(
  storage: Storage,
  archive: Archive,
  table: ManifestTable,
  sink: Writable,
  options: { signal?: AbortSignal | undefined; onRows?: (rows: number) => void } = {},
): Promise<void> {
  const path = archivePath(archive, table.file);
  const digest = new RowDigest();
  const hashed = fileHash();
  const { signal, onRows } = options;
  // A stage before the sink: nothing ends well there until the whole file has been judged.
  const judge = (): Error | null => {
    const { bytes, sha256 } = hashed.result();
    if (bytes !== table.bytes || sha256 !== table.sha256) {
      return new CorruptArchiveError(path, 'its checksum is not the one in the manifest');
    }
    if (digest.rows === table.rows && digest.hex() === table.digest) return null;
    return new CorruptArchiveError(path, `it has ${digest.rows} rows, the manifest says ${table.rows}`);
  };
  const judged = new Transform({
    transform: (chunk, _encoding, done) => done(null, chunk),
    flush: (done) => done(judge()),
  });
  try {
    const source = await storage.read(path);
    const stages = [source, hashed.stream, createGunzip(), throughDigest(digest, onRows), judged, sink] as const;
    await pipeline(stages, signal === undefined ? {} : { signal });
  } catch (error) {
    signal?.throwIfAborted();
    if (error instanceof CorruptArchiveError) throw error;
    // Garbage may also make gzip or the server complain: the checksum tells whether it was the file.
    await verifyFile(storage, path, table);
    throw error;
  }
}

/** @throws {CorruptArchiveError} */
export async function verifyFile(
  storage: Storage,
  path: string,
  expected: { bytes: number; sha256: string },
): Promise<void> {
  const hashed = fileHash();
  await pipeline(await storage.read(path), hashed.stream, nowhere());
  const { bytes, sha256 } = hashed.result();
  if (bytes !== expected.bytes) {
    throw new CorruptArchiveError(path, `it has ${bytes} bytes, the manifest says ${expected.bytes}`);
  }
  if (sha256 !== expected.sha256) {
    throw new CorruptArchiveError(path, 'its checksum is not the one in the manifest');
  }
}

export function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}
