/**
 * A place that every OS user can reach, for a start as root from a closed home such as /root: PostgreSQL then runs as
 * another user, who can reach neither the binaries in node_modules nor a DATA_DIR beside them.
 */
import { createHash } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { closedFolder } from './os-user.ts';

const PUBLIC = '/var/lib/tapecast';
/** Whoever has neither the owner's rights nor the group's. */
const STRANGER = { uid: -1, gid: -1 };

/** `.tapecast` in the project, or a folder of this project's own in a public place. */
export function defaultDataDir(root: string, isRoot = process.getuid?.() === 0): string {
  if (!isRoot || closedFolder(root, STRANGER) === null) return join(root, '.tapecast');
  const mark = createHash('sha256').update(root).digest('hex').slice(0, 8);
  return join(PUBLIC, `${basename(root)}-${mark}`);
}

/**
 * A copy of `folder` that every user can enter, made once per name.
 * @returns its path
 */
export function publicCopy(folder: string, name: string, place = PUBLIC): string {
  const copy = join(place, name);
  if (existsSync(copy)) return copy;
  mkdirSync(place, { recursive: true, mode: 0o755 });
  // Complete or absent: an interrupted copy has another name.
  const draft = `${copy}.${process.pid}`;
  rmSync(draft, { recursive: true, force: true });
  cpSync(folder, draft, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(draft, copy);
  } catch (error) {
    // Another start was quicker.
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(copy)) throw error;
  }
  return copy;
}
