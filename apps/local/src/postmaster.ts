/**
 * `postmaster.pid`: PostgreSQL's own lock. It tells when a server is ready, and finds the server that outlived a launcher that was
 * killed. The id in a stale one may by now belong to another program (ids start anew with each container), in which case
 * PostgreSQL would refuse to start.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from './process-alive.ts';

/** Line numbers of postmaster.pid, as in PostgreSQL's miscadmin.h / pidfile.h. */
const STATUS_LINE = 7;

export function isReady(data: string, pid: number): boolean {
  const lines = readLines(data);
  return lines !== null && Number(lines[0]) === pid && lines[STATUS_LINE]?.trim() === 'ready';
}

/** Ends a server that still runs on this data directory, and removes a lock whose owner is gone. */
export async function clearStalePostmaster(data: string, patienceMs = 30_000): Promise<void> {
  const pid = Number(readLines(data)?.[0]);
  if (!Number.isInteger(pid) || pid <= 0) return;
  if (isAlive(pid) && isPostgres(pid, data)) {
    process.kill(pid, 'SIGINT');
    const deadline = Date.now() + patienceMs;
    while (isAlive(pid)) {
      if (Date.now() > deadline) process.kill(pid, 'SIGQUIT');
      await sleep(50);
    }
  }
  rmSync(join(data, 'postmaster.pid'), { force: true });
}

function readLines(data: string): string[] | null {
  try {
    return readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return null;
  }
}

function isPostgres(pid: number, data: string): boolean {
  try {
    const command =
      process.platform === 'linux'
        ? readFileSync(`/proc/${pid}/cmdline`, 'utf8')
        : execFileSync('ps', ['-o', 'command=', '-p', String(pid)], { encoding: 'utf8' });
    return command.includes('postgres') && command.includes(data);
  } catch {
    return false;
  }
}
