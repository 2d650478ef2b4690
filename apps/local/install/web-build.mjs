// The web app is the only part that is built. It is built again when what it is made of has changed.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { runInGroup } from './process-group.mjs';

const SOURCES = [
  'apps/web',
  'packages/calendar',
  'packages/client',
  'packages/contracts',
  'packages/db',
  'packages/runtime',
];
const NOT_SOURCES = new Set(['node_modules', 'build', '.svelte-kit', 'test-results']);
const STAMP = join('apps', 'web', 'build', '.tapecast-built');

export class BuildError extends Error {
  name = 'BuildError';
}

/** Builds if needed. Call under the lock. */
export async function buildWeb(root, { node, env, print }) {
  const wanted = hashOfSources(root);
  const stamp = join(root, STAMP);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  print('Building the web app …');
  rmSync(stamp, { force: true });
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  const code = await runInGroup(node, [vite, 'build', '--logLevel', 'warn'], {
    cwd: join(root, 'apps', 'web'),
    env: { ...env, NODE_ENV: 'production' },
  });
  if (code !== 0) throw new BuildError(`The web app could not be built (code ${code}): see the messages above.`);
  writeFileSync(stamp, wanted);
}

/** Names and contents of everything that the build reads of ours, and the versions of what it reads of others. */
export function hashOfSources(root) {
  const hash = createHash('sha256');
  const files = [join(root, 'package-lock.json'), ...SOURCES.flatMap((folder) => filesBelow(join(root, folder)))];
  for (const file of files) {
    hash.update(relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  }
  return hash.digest('hex');
}

function filesBelow(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => !NOT_SOURCES.has(name) && !/\.test\.ts$/.test(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) return filesBelow(path);
      return entry.isFile() ? [path] : [];
    });
}
