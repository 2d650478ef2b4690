/** Images as others get them: from a registry, by their digests. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { world } from './outside.ts';

/** What deploy/pin wrote. @returns image and digest of each variable */
export async function pinned(): Promise<Map<string, string>> {
  const text = await readFile(join(world.deploy, 'images.env'), 'utf8');
  const lines = [...text.matchAll(/^(\w+)="\$\{\1:-(\S+)\}"$/gm)];
  return new Map(lines.map(([, name = '', image = '']) => [name, image]));
}
