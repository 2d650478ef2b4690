/**
 * PostgreSQL refuses to run as root, so under root (containers, cheap servers) it runs as the OS user `postgres`.
 * That user has to reach the binaries and the data, which a home folder of mode 0700 prevents; the bare outcome would be
 * an EACCES that names no folder.
 */
import { spawnSync } from 'node:child_process';
import { statSync, type Stats } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

export interface OsUser {
  uid: number;
  gid: number;
}

export class PostgresUserError extends Error {
  override readonly name = 'PostgresUserError';
}

/**
 * The user that PostgreSQL has to run as, or null for the current one. Creates `postgres` under root where it is missing.
 *
 * @throws {PostgresUserError} when it is missing and cannot be created
 */
export async function postgresUser(): Promise<OsUser | null> {
  if (process.getuid?.() !== 0) return null;
  const known = lookUp('postgres');
  if (known) return known;
  const attempts = [
    ['useradd', '--system', '--no-create-home', '--shell', '/usr/sbin/nologin', 'postgres'],
    ['adduser', '-S', '-D', '-H', 'postgres'],
  ] as const;
  for (const [command, ...args] of attempts) {
    // Two starts at once may both try: the loser finds the winner's user a moment later.
    spawnSync(command, args, { stdio: 'ignore' });
    const created = lookUp('postgres') ?? (await sleep(200).then(() => lookUp('postgres')));
    if (created) return created;
  }
  throw new PostgresUserError(
    'PostgreSQL does not run as root, and the OS user "postgres" could not be created. Create it ' +
      '(useradd --system postgres), start as another user, or set DATABASE_URL to a server that is running.',
  );
}

function lookUp(name: string): OsUser | null {
  const ids = ['-u', '-g'].map((flag) => spawnSync('id', [flag, name], { encoding: 'utf8' }));
  if (ids.some((id) => id.status !== 0)) return null;
  const [uid, gid] = ids.map((id) => Number.parseInt(id.stdout, 10));
  return uid === undefined || gid === undefined ? null : { uid, gid };
}

/** The outermost folder above `path` (or itself) that `user` may not enter, or null when the way is free. */
export function closedFolder(path: string, user: OsUser): string | null {
  const above: string[] = [];
  for (let folder = path; ; folder = dirname(folder)) {
    above.unshift(folder);
    if (folder === dirname(folder)) break;
  }
  return above.find((folder) => !mayEnter(statSync(folder), user)) ?? null;
}

function mayEnter(stats: Stats, user: OsUser): boolean {
  if (stats.uid === user.uid) return (stats.mode & 0o100) !== 0;
  if (stats.gid === user.gid) return (stats.mode & 0o010) !== 0;
  return (stats.mode & 0o001) !== 0;
}
