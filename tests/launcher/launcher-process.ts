/** The launcher as a real process, with stubs for the services: what is tested is starting, watching and stopping them. */
import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '../../apps/local/src/process-alive.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

export const LAUNCHER = join(import.meta.dirname, '..', '..', 'apps', 'local', 'src', 'main.ts');
const STUBS = join(import.meta.dirname, 'stubs');

/** A new folder for DATA_DIR. PostgreSQL may run as another OS user, who has to pass through it. */
export async function newDataDir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tapecast launcher-'));
  await chmod(folder, 0o755);
  return folder;
}

export function removeDataDir(folder: string): Promise<void> {
  return rm(folder, { recursive: true, force: true });
}

export function launcherArguments(): string[] {
  return [LAUNCHER, '--root', STUBS];
}

export function launcherEnvironment(dataDir: string, more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], PRICE_SOURCE: 'simulated', PORT: '0', DATA_DIR: dataDir, ...more };
}

export interface Launcher extends ServerProcess {
  origin: string;
}

export async function startLauncher(dataDir: string, more: NodeJS.ProcessEnv = {}): Promise<Launcher> {
  const launcher = await startServerProcess(
    process.execPath,
    launcherArguments(),
    /Tapecast is ready: \S+\n/,
    launcherEnvironment(dataDir, more),
  );
  const origin = /Tapecast is ready: (\S+)/.exec(launcher.output())?.[1] ?? '';
  return { ...launcher, origin };
}

/** Ids of all processes below `pid`, as the machine sees them now. */
export function descendants(pid: number): number[] {
  const table = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' });
  const pairs = table
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number));
  const below = (parent: number): number[] =>
    pairs.filter(([, ppid]) => ppid === parent).flatMap(([child = 0]) => [child, ...below(child)]);
  return below(pid);
}

export function stillAlive(pids: number[]): number[] {
  return pids.filter((pid) => isAlive(pid) && !isZombie(pid));
}

/** Ended, and only not yet collected by whichever init process this machine has. */
function isZombie(pid: number): boolean {
  try {
    return execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return true;
  }
}

/** URL of the administrator, from what the launcher keeps in DATA_DIR. */
export async function adminUrl(dataDir: string, database: string): Promise<string> {
  const [port, password] = await Promise.all(
    ['port', 'password'].map((name) => readFile(join(dataDir, 'postgres', name), 'utf8')),
  );
  return `postgres://tapecast_admin:${password?.trim()}@127.0.0.1:${port?.trim()}/${database}`;
}

export async function postmasterPid(dataDir: string): Promise<number> {
  const lines = await readFile(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'), 'utf8');
  return Number.parseInt(lines, 10);
}
