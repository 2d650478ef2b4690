/** manifest.json of an archive: what is in it and where it comes from. It is written last: an archive without one is none. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { BackupError, CorruptArchiveError } from './errors.ts';

export const MANIFEST = 'manifest.json';
const FORMAT = 'tapecast-backup';
/** Raised when an older program could not read the archive any more. */
const FORMAT_VERSION = 1;

const Count = z.number().int().nonnegative();
/** A name within the archive's folder, and never outside of it. */
const FileName = z.string().regex(/^[A-Za-z0-9_][^/\\]*$/);
const Sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const Table = z.object({
  schema: z.string(),
  name: z.string(),
  columns: z.array(z.object({ name: z.string(), type: z.string(), notNull: z.boolean() })).min(1),
  primaryKey: z.array(z.string()),
  owner: z.string(),
  /** COPY's text format, gzip. */
  file: FileName,
  /** Of the file as it is stored. */
  bytes: Count,
  sha256: Sha256,
  rows: Count,
  /** Of the rows in any order; see row-digest.ts. */
  digest: z.string().regex(/^[0-9a-f]{32}$/),
});

const Content = z.object({
  format: z.literal(FORMAT),
  formatVersion: z.literal(FORMAT_VERSION),
  id: z.uuid(),
  /** The moment of the snapshot. */
  madeAt: z.iso.datetime(),
  seconds: z.number().nonnegative(),
  database: z.object({ name: z.string(), source: z.string().nullable(), epoch: z.string() }),
  server: z.object({ version: z.string(), timescale: z.string().nullable() }),
  /** Versions of the migrations that were applied. */
  migrations: z.object({ core: z.array(z.string()).min(1), timescale: z.array(z.string()).nullable() }),
  retention: z.record(z.string(), z.string()),
  tables: z.array(Table),
  sequences: z.array(
    z.object({ schema: z.string(), table: z.string(), column: z.string(), lastValue: z.string().nullable() }),
  ),
  /** pg_dump's custom format of the same snapshot, where it was asked for. */
  pgDump: z.object({ file: FileName, bytes: Count, sha256: Sha256, version: z.string() }).nullable(),
});

export type Manifest = z.output<typeof Content>;
export type ManifestTable = Manifest['tables'][number];

export function writeManifest(content: Omit<Manifest, 'format' | 'formatVersion'>): string {
  const whole = { format: FORMAT, formatVersion: FORMAT_VERSION, ...content };
  return `${JSON.stringify({ ...whole, checksum: checksumOf(whole) }, null, 2)}\n`;
}

/**
 * @param file its path, for messages
 * @throws {CorruptArchiveError}
 * @throws {BackupError} when a newer version of Tapecast has written it
 */
export function readManifest(text: string, file: string): Manifest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new CorruptArchiveError(file, 'it is no JSON', { cause });
  }
  const head = z.looseObject({ format: z.string(), formatVersion: z.number(), checksum: z.string() }).safeParse(parsed);
  if (!head.success) throw new CorruptArchiveError(file, 'it is no manifest of a backup');
  const { checksum, ...whole } = head.data;
  if (checksum !== checksumOf(whole)) throw new CorruptArchiveError(file, 'its checksum does not match');
  if (head.data.format === FORMAT && head.data.formatVersion > FORMAT_VERSION) {
    throw new BackupError(
      `${file} was written by a newer version of Tapecast (format ${head.data.formatVersion}): update, then restore.`,
    );
  }
  const content = Content.safeParse(whole);
  if (!content.success) {
    const [issue] = content.error.issues;
    throw new CorruptArchiveError(file, `${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`);
  }
  return content.data;
}

/** Files of an archive besides its manifest. */
export function archiveFiles(manifest: Manifest): { file: string; bytes: number; sha256: string }[] {
  return [...manifest.tables, ...(manifest.pgDump === null ? [] : [manifest.pgDump])];
}

export function archiveBytes(manifest: Manifest): number {
  return archiveFiles(manifest).reduce((sum, { bytes }) => sum + bytes, 0);
}

export function archiveRows(manifest: Manifest): number {
  return manifest.tables.reduce((sum, { rows }) => sum + rows, 0);
}

function checksumOf(content: object): string {
  return createHash('sha256').update(JSON.stringify(content)).digest('hex');
}
