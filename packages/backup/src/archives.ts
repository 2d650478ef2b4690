/** The archives of a place: found by their manifests, chosen, and removed when their time is over. */
import { text } from 'node:stream/consumers';
import { BackupError } from './errors.ts';
import { MANIFEST, readManifest, type Manifest } from './manifest.ts';
import { chooseKept } from './retention.ts';
import { type Keep } from './settings.ts';
import { type Storage } from './storage/storage.ts';

export interface Archive {
  /** Its folder's name. */
  name: string;
  madeAt: Date;
  manifest: Manifest;
}

export interface Inventory {
  /** Whole ones, newest first. */
  archives: Archive[];
  /** Their manifest cannot be read. */
  damaged: { name: string; reason: string }[];
  /** Without a manifest: being written, or cut short. */
  unfinished: { name: string; modified: Date }[];
}

/** Folders that we have named; nothing else in the place is ours to touch. */
const NAME = /^.+-\d{8}T\d{6}Z-[0-9a-f]{6}$/;

export function isArchiveName(name: string): boolean {
  return NAME.test(name);
}

/** @param database which one is in it */
export function archiveName(database: string, madeAt: Date, random: string): string {
  const time = madeAt.toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '');
  return `${database.replace(/[^A-Za-z0-9_-]/g, '_')}-${time}-${random}`;
}

export async function listArchives(storage: Storage): Promise<Inventory> {
  const { found } = await scan(storage);
  const inventory: Inventory = { archives: [], damaged: [], unfinished: [] };
  for (const [name, { files, modified }] of found) {
    if (!files.includes(MANIFEST)) inventory.unfinished.push({ name, modified });
    else {
      try {
        inventory.archives.push(await openArchive(storage, name));
      } catch (error) {
        if (!(error instanceof BackupError)) throw error;
        inventory.damaged.push({ name, reason: error.message });
      }
    }
  }
  inventory.archives.sort((left, right) => right.madeAt.getTime() - left.madeAt.getTime());
  return inventory;
}

/** @throws {CorruptArchiveError | BackupError} */
export async function openArchive(storage: Storage, name: string): Promise<Archive> {
  const path = name === '' ? MANIFEST : `${name}/${MANIFEST}`;
  const manifest = readManifest(await text(await storage.read(path)), path);
  return { name, madeAt: new Date(manifest.madeAt), manifest };
}

/**
 * The newest archive of a place.
 *
 * @param database of this one; unset: there must be no other
 * @throws {BackupError} saying what is there
 */
export async function newestArchive(storage: Storage, database?: string): Promise<Archive> {
  const { archives, damaged, unfinished } = await listArchives(storage);
  const wanted = archives.filter(({ manifest }) => database === undefined || manifest.database.name === database);
  const [newest] = wanted;
  if (newest === undefined) {
    const others = damaged.length + unfinished.length;
    throw new BackupError(
      `There is no whole backup${database === undefined ? '' : ` of ${database}`} in ${storage.place}` +
        `${others > 0 ? ` (${others} unfinished or damaged)` : ''}. tapecast backup makes one.`,
    );
  }
  const names = [...new Set(wanted.map(({ manifest }) => manifest.database.name))];
  if (names.length > 1) {
    throw new BackupError(
      `${storage.place} holds backups of ${names.join(', ')}: name the one to take (tapecast backup list).`,
    );
  }
  // A newer one that cannot be read must not be passed over in silence.
  const hidden = damaged.find(({ name }) => name.slice(-23) > newest.name.slice(-23));
  if (hidden !== undefined) {
    throw new BackupError(`The newest backup is damaged: ${hidden.reason} To restore an older one, name it.`);
  }
  return newest;
}

export interface Pruned {
  kept: string[];
  removed: string[];
}

/** After a day, what has no manifest is no backup under way any more. */
const UNFINISHED_MS = 86_400_000;

/** Removes what `keep` does not keep, each database by itself, and what was cut short more than a day ago. Damaged ones stay. */
export async function pruneArchives(
  storage: Storage,
  keep: Keep,
  options: { dryRun?: boolean; now?: Date; database?: string } = {},
): Promise<Pruned> {
  const { dryRun = false, now = new Date(), database } = options;
  const { archives, unfinished } = await listArchives(storage);
  const pruned: Pruned = { kept: [], removed: [] };
  for (const [name, ofDatabase] of Map.groupBy(archives, ({ manifest }) => manifest.database.name)) {
    const kept = database === undefined || name === database ? chooseKept(ofDatabase, keep) : new Set(ofDatabase);
    for (const archive of ofDatabase) (kept.has(archive) ? pruned.kept : pruned.removed).push(archive.name);
  }
  for (const { name, modified } of unfinished) {
    if (now.getTime() - modified.getTime() > UNFINISHED_MS) pruned.removed.push(name);
  }
  if (!dryRun) for (const name of pruned.removed) await removeArchive(storage, name);
  return pruned;
}

/** The manifest first: what is left is never taken for a backup. */
export async function removeArchive(storage: Storage, name: string): Promise<void> {
  const { found } = await scan(storage);
  await storage.remove(`${name}/${MANIFEST}`);
  for (const file of found.get(name)?.files ?? []) if (file !== MANIFEST) await storage.remove(`${name}/${file}`);
}

async function scan(storage: Storage): Promise<{ found: Map<string, { files: string[]; modified: Date }> }> {
  const found = new Map<string, { files: string[]; modified: Date }>();
  for await (const { path, modified } of storage.list()) {
    const [name = '', file = '', ...deeper] = path.split('/');
    if (!NAME.test(name) || deeper.length > 0) continue;
    const archive = found.get(name) ?? { files: [], modified };
    archive.files.push(file);
    if (modified > archive.modified) archive.modified = modified;
    found.set(name, archive);
  }
  return { found };
}
