/** What takes minutes to make is made once for a machine, and kept where Go keeps what it compiled. */
import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** @param name another one for whatever would come out different @param make writes the file `target` @returns path of the file */
export async function kept(name: string, make: (target: string) => Promise<void>): Promise<string> {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tapecast-test-programs');
  const file = join(folder, name);
  if (existsSync(file)) return file;
  await mkdir(folder, { recursive: true });
  const unfinished = `${file}.${process.pid}`;
  await make(unfinished);
  await rename(unfinished, file);
  return file;
}
