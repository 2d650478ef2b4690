/** Creation and checks of the folder that holds a PostgreSQL cluster and the password of its administrator. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { closedFolder, type OsUser } from './os-user.ts';
import { PostgresUnusableError, type PostgresBinaries } from './postgres-binaries.ts';

export interface PostgresFolder {
  /** PostgreSQL's own data directory. */
  data: string;
  /** Who the server runs as; null: who we are. */
  user: OsUser | null;
  password: string;
}

/**
 * Uses the cluster in `folder` or makes one. `initdb` works in a folder of another name that is renamed at the end, so that an
 * interrupted first start leaves nothing that looks complete.
 *
 * @param durable false: the cluster may be lost in a power failure (tests)
 * @throws {PostgresUnusableError} when the folder cannot be used, saying what to do
 */
export async function preparePostgresFolder(
  folder: string,
  binaries: PostgresBinaries,
  user: OsUser | null,
  durable: boolean,
): Promise<PostgresFolder> {
  mkdirSync(folder, { recursive: true });
  const closed = user && closedFolder(folder, user);
  if (closed) {
    throw new PostgresUnusableError(
      `PostgreSQL runs as the OS user "postgres" (it refuses root), and that user may not enter ${closed}. ` +
        `Set DATA_DIR to a folder that it may enter, such as /var/lib/tapecast, or allow it: chmod o+x '${closed}'`,
    );
  }
  const data = join(folder, 'cluster');
  const passwordFile = join(folder, 'password');
  if (!existsSync(join(data, 'PG_VERSION'))) await create(folder, data, passwordFile, binaries, user, durable);

  const major = Number.parseInt(readText(join(data, 'PG_VERSION')), 10);
  if (major !== binaries.major) {
    throw new PostgresUnusableError(
      `${data} was made by PostgreSQL ${major}, and this version brings ${binaries.major}. Start the version of Tapecast that made ` +
        `it, or set DATA_DIR to a new folder and let prices be loaded again.`,
    );
  }
  return { data, user: user && ownerOf(data), password: readText(passwordFile).trim() };
}

async function create(
  folder: string,
  data: string,
  passwordFile: string,
  binaries: PostgresBinaries,
  user: OsUser | null,
  durable: boolean,
): Promise<void> {
  const draft = join(folder, 'cluster.unfinished');
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  const password = randomBytes(24).toString('base64url');
  const handedOver = join(draft, '..', 'password.unfinished');
  writeFileSync(passwordFile, `${password}\n`, { mode: 0o600 });
  writeFileSync(handedOver, `${password}\n`, { mode: 0o600 });
  if (user) for (const path of [draft, handedOver]) chownSync(path, user.uid, user.gid);
  try {
    await run(
      binaries.initdb,
      [
        `--pgdata=${draft}`,
        '--username=tapecast_admin',
        `--pwfile=${handedOver}`,
        '--auth=scram-sha-256',
        // The bundled libraries know no locale of the machine; C sorts by bytes, which is what tickers need.
        '--encoding=UTF8',
        '--locale=C',
        '--no-instructions',
        ...(durable ? [] : ['--no-sync']),
      ],
      draft,
      user,
    );
  } finally {
    rmSync(handedOver, { force: true });
  }
  renameSync(draft, data);
}

function run(command: string, args: string[], cwd: string, user: OsUser | null): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...user, cwd, env: { LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      if (code === 0) return resolve();
      reject(new PostgresUnusableError(`initdb ended with ${signal ?? `code ${code}`}: ${said.trim()}`));
    });
  });
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new PostgresUnusableError(
      `${path} cannot be read: ${cause instanceof Error ? cause.message : cause}. It belongs to the user who started Tapecast ` +
        `before; start as that user, or set DATA_DIR to a folder of your own.`,
      { cause },
    );
  }
}

/** A cluster keeps its owner: root may have been handed the folder of an ordinary user. */
function ownerOf(path: string): OsUser {
  const { uid, gid } = statSync(path);
  return { uid, gid };
}
