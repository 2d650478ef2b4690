/** Archives in a folder. */
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, open, readdir, rename, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { BackupError } from '../errors.ts';
import { type Storage } from './storage.ts';

const PART = '.part';

export function openDirectory(target: string): Storage {
  const root = resolve(target);
  return {
    place: root,
    write: async (path, source) => {
      const file = join(root, path);
      await mkdir(dirname(file), { recursive: true });
      const part = `${file}${PART}`;
      // Prices are no secret, imports may be: nobody else on the machine needs to read them.
      await pipeline(source, createWriteStream(part, { flags: 'wx', mode: 0o600, flush: true }));
      await rename(part, file);
      await syncFolder(dirname(file));
    },
    read: async (path) => {
      const file = join(root, path);
      const found = await stat(file).catch((cause: unknown) => {
        throw new BackupError(`${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`, { cause });
      });
      if (!found.isFile()) throw new BackupError(`${file} is no file.`);
      return createReadStream(file);
    },
    list: async function* () {
      for (const archive of await entries(root)) {
        if (!archive.isDirectory()) continue;
        for (const file of await entries(join(root, archive.name))) {
          if (!file.isFile()) continue;
          const path = `${archive.name}/${file.name}`;
          const found = await stat(join(root, path)).catch(() => null); // it may just have been removed
          if (found !== null) yield { path, modified: found.mtime };
        }
      }
    },
    remove: async (path) => {
      const file = join(root, path);
      await rm(file, { force: true });
      await rmdir(dirname(file)).catch(() => undefined); // the last file takes its folder along
    },
  };
}

async function entries(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
}

/** A renamed file survives a power cut only when its folder has been written as well. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  await handle.sync().finally(() => handle.close());
}
