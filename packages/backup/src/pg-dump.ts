/** pg_dump beside our own format, for those who want PostgreSQL's. It works only with servers of its own major version or older. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { BackupError } from './errors.ts';
import { fileHash } from './file-hash.ts';
import { type Manifest } from './manifest.ts';

const run = promisify(execFile);
const FILE = 'pg_dump.custom';

export interface PgDump {
  path: string;
  version: string;
}

/**
 * @param path of the program; default: the one in PATH
 * @throws {BackupError} where it is missing or too old for the server
 */
export async function findPgDump(serverMajor: number, path = 'pg_dump'): Promise<PgDump> {
  const { stdout } = await run(path, ['--version']).catch((cause: unknown) => {
    throw new BackupError(
      `pg_dump is not installed here: install PostgreSQL's client programs of version ${serverMajor} or newer, or leave out --pg-dump. ` +
        'The archive itself does not need it.',
      { cause },
    );
  });
  const version = /\d+(\.\d+)*/.exec(stdout)?.[0] ?? '0';
  if (Number.parseInt(version, 10) < serverMajor) {
    throw new BackupError(
      `pg_dump ${version} cannot read a server of version ${serverMajor}: install ${serverMajor} or newer, or leave out --pg-dump. ` +
        'The archive itself goes from any version to any other.',
    );
  }
  return { path, version };
}

/** @param dump.snapshot as pg_export_snapshot() named it; its transaction must stay open until the end */
export async function dumpWithPgDump(dump: {
  program: PgDump;
  url: string;
  snapshot: string;
  signal: AbortSignal;
  write(path: string, source: Readable): Promise<void>;
}): Promise<NonNullable<Manifest['pgDump']>> {
  const { program, url, snapshot, signal, write } = dump;
  // By environment: arguments can be read by everybody on the machine.
  const child = spawn(program.path, ['--format=custom', `--snapshot=${snapshot}`, '--no-password'], {
    env: { ...process.env, ...connectionVariables(url) },
    stdio: ['ignore', 'pipe', 'pipe'],
    signal,
  });
  let said = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    if (said.length < 4_000) said += text;
  });
  const ended = once(child, 'close') as Promise<[number | null]>;
  ended.catch(() => undefined);
  const hashed = fileHash();
  const stored = new PassThrough();
  // What pg_dump has printed is worth something only if it ends well: the file's end waits for that.
  const whole = async function* (source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    yield* source;
    const [code] = await ended;
    if (code !== 0) throw new BackupError(`pg_dump failed: ${said.trim() || `exit code ${code}`}`);
  };
  await Promise.all([
    pipeline(child.stdout, whole, hashed.stream, stored),
    write(FILE, stored).catch((error: unknown) => {
      stored.destroy();
      throw error;
    }),
  ]);
  return { file: FILE, ...hashed.result(), version: program.version };
}

/** libpq's variables for what is in the URL. */
function connectionVariables(text: string): NodeJS.ProcessEnv {
  const url = new URL(text);
  const sslmode = url.searchParams.get('sslmode');
  const sslrootcert = url.searchParams.get('sslrootcert');
  return {
    PGHOST: url.hostname.replace(/^\[|\]$/g, ''),
    PGPORT: url.port || '5432',
    PGUSER: decodeURIComponent(url.username),
    PGPASSWORD: decodeURIComponent(url.password),
    PGDATABASE: decodeURIComponent(url.pathname.slice(1)),
    ...(sslmode === null ? {} : { PGSSLMODE: sslmode }),
    ...(sslrootcert === null ? {} : { PGSSLROOTCERT: sslrootcert }),
  };
}
