/** The benchmark's own world: an empty embedded database with one ticker, removed afterwards. */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureTickers } from '@tapecast/db/tickers';
import { openDatabase } from '@tapecast/db/database';
import { migrate } from '@tapecast/db/migrate';
import { setRolePasswords } from '@tapecast/db/roles';
import { startPostgres } from '../../apps/local/src/embedded.ts';
import { TICKER } from './messages.ts';

export interface BenchDatabase {
  /** As each service logs in. */
  ingestorUrl: string;
  webUrl: string;
  /** Of the server that starts all others. */
  postmasterPid: number;
  close(): Promise<void>;
}

export async function openBenchDatabase(tickers: string[] = [TICKER]): Promise<BenchDatabase> {
  const folder = await mkdtemp(join(tmpdir(), 'tapecast-bench-'));
  await chmod(folder, 0o711); // under root, PostgreSQL runs as another user that has to pass through
  const server = await startPostgres({ folder });
  const close = async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const url = server.url('postgres');
    await migrate({ url });
    const password = 'bench';
    const passwords = { tapecast_ingestor: password, tapecast_forecaster: password, tapecast_web: password };
    await setRolePasswords({ url, passwords });
    const as = (role: keyof typeof passwords) => Object.assign(new URL(url), { username: role, password }).href;
    const db = openDatabase({ url: as('tapecast_ingestor'), applicationName: 'bench' });
    await ensureTickers(db, tickers).finally(() => db.close());
    return { ingestorUrl: as('tapecast_ingestor'), webUrl: as('tapecast_web'), postmasterPid: server.pid, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A process of the benchmark that ends with it. */
export function startChild(file: string, ...parameters: string[]): ChildProcess {
  return startChildWith([], file, ...parameters);
}

/** @param options of Node, such as `--cpu-prof` */
export function startChildWith(options: string[], file: string, ...parameters: string[]): ChildProcess {
  return fork(fileURLToPath(new URL(file, import.meta.url)), parameters, { execArgv: options });
}

export async function nextMessage<T>(child: ChildProcess): Promise<T> {
  const done = new AbortController();
  const ended = once(child, 'exit', { signal: done.signal }).then(([code]) => {
    throw new Error(`a process of the benchmark ended with code ${String(code)}`);
  });
  // Also told when the message came first and the waiting is given up.
  ended.catch(() => undefined);
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: done.signal }), ended])) as [T];
    return message;
  } finally {
    done.abort();
  }
}

export async function endChild(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  const force = setTimeout(() => child.kill('SIGKILL'), 5_000);
  if (child.connected) child.disconnect();
  await ended;
  clearTimeout(force);
}
