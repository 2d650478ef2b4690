// Services run on the Node that the project brings, whatever the host has: `.ts` files without a build need 24.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';

const NEEDED_MAJOR = 24;

/** @returns {string} path of a Node ≥ 24 @throws saying what to install */
export function findNode(root) {
  const own = join(root, 'node_modules', `node-linux-${process.arch}`, 'bin', 'node');
  if (process.platform === 'linux' && existsSync(own) && majorOf(own) >= NEEDED_MAJOR) return own;
  if (Number.parseInt(process.versions.node, 10) >= NEEDED_MAJOR) return process.execPath;
  throw new Error(
    `Tapecast brings its own Node ${NEEDED_MAJOR} for Linux with glibc on x64 and arm64 only. On this machine ` +
      `(${process.platform} ${process.arch}) install Node ${NEEDED_MAJOR} or newer; this is ${process.version}.`,
  );
}

function majorOf(path) {
  const run = spawnSync(path, ['--version'], { encoding: 'utf8' });
  return run.status === 0 ? Number.parseInt(run.stdout.slice(1), 10) : 0;
}

/** Environment in which `node` and the installed programs are the project's. */
export function projectEnvironment(root, node, env = process.env) {
  // Servers that tests start (PgBouncer) stand in sbin, which is not on everybody's PATH.
  const folders = [
    join(node, '..'),
    join(root, 'node_modules', '.bin'),
    env.PATH ?? '',
    '/usr/local/sbin',
    '/usr/sbin',
  ];
  return { ...env, PATH: folders.join(':') };
}
