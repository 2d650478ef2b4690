import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import {
  adminUrl,
  descendants,
  launcherArguments,
  launcherEnvironment,
  newDataDir,
  postmasterPid,
  removeDataDir,
  startLauncher,
  stillAlive,
  type Launcher,
} from './launcher-process.ts';

const EVENTUALLY = { timeout: 30_000, interval: 50 };

/** A cluster that was started and stopped once; each test works on a copy, which is quicker than initdb. */
let prepared: string;
let dataDir: string;
let launcher: Launcher | undefined;

beforeAll(async () => {
  prepared = await newDataDir();
  await (await startLauncher(prepared)).end();
});
afterAll(() => removeDataDir(prepared));
beforeEach(async () => {
  dataDir = await newDataDir();
  execFileSync('cp', ['-a', `${prepared}/.`, dataDir]);
});
afterEach(async () => {
  await launcher?.end();
  launcher = undefined;
  await removeDataDir(dataDir);
});

/** Runs the launcher where it is expected to refuse. */
function refuse(env: NodeJS.ProcessEnv): { status: number | null; said: string } {
  const run = spawnSync(process.execPath, launcherArguments(), {
    encoding: 'utf8',
    env: launcherEnvironment(dataDir, env),
  });
  return { status: run.status, said: run.stderr };
}

async function query(sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: await adminUrl(dataDir, 'tapecast_simulated') });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

const webPid = async ({ origin }: Launcher) => Number(await (await fetch(`${origin}/pid`)).text());

describe('start', () => {
  it('gives each service its own login, and simulated prices their own database', async () => {
    launcher = await startLauncher(dataDir);
    await vi.waitFor(
      () => expect(launcher?.output()).toContain('connected as tapecast_forecaster to tapecast_simulated'),
      EVENTUALLY,
    );
    expect(launcher.output()).toMatch(/ingestor .*up source=simulated/);
    const databases = await query('SELECT datname FROM pg_database ORDER BY 1');
    expect(databases).toContainEqual({ datname: 'tapecast_queue_simulated' });
    expect(databases).not.toContainEqual({ datname: 'tapecast' });
  });

  it('leaves the threads of a service alone', async () => {
    launcher = await startLauncher(dataDir);
    await vi.waitFor(() => expect(launcher?.output()).toContain('a thread ran'), EVENTUALLY);
    expect(launcher.output()).not.toContain('ingestor ended');
  });

  it('lists every mistake in the settings by name and starts nothing', () => {
    const folder = join(dataDir, 'new');
    const { status, said } = refuse({
      DATA_DIR: folder,
      PORT: 'many',
      TICKERS: 'msft',
      BACKFILL_FROM: '2020-02-31x',
      YAHOO_ORIGIN: 'here',
    });
    expect(status).toBe(1);
    for (const name of ['PORT', 'TICKERS', 'BACKFILL_FROM', 'YAHOO_ORIGIN']) expect(said).toContain(`${name}:`);
    expect(existsSync(folder)).toBe(false);
  });

  it('names PORT when the port is taken', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as AddressInfo;
    const { status, said } = refuse({ PORT: String(port) });
    await new Promise((resolve) => other.close(resolve));
    expect(status).toBe(1);
    expect(said).toContain(`PORT ${port} on 127.0.0.1 is taken`);
  });

  it('refuses a DATA_DIR that another launcher uses', async () => {
    launcher = await startLauncher(dataDir);
    const { status, said } = refuse({});
    expect(status).toBe(1);
    expect(said).toContain(`already runs with DATA_DIR=${dataDir} (process ${launcher.pid})`);
  });
});

describe('stop', () => {
  it.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('leaves no process behind after %s', async (signal) => {
    launcher = await startLauncher(dataDir);
    const started = descendants(launcher.pid);
    expect(started).toContain(await postmasterPid(dataDir));
    expect(started).toContain(await webPid(launcher));
    await launcher.end(signal);
    expect(stillAlive(started)).toEqual([]);
    expect(launcher.output()).not.toContain('is killed');
    expect(existsSync(join(dataDir, 'postgres', 'cluster', 'postmaster.pid'))).toBe(false);
    expect(existsSync(join(dataDir, 'launcher.lock'))).toBe(false);
  });

  it('keeps what is in the database for the next start', async () => {
    launcher = await startLauncher(dataDir);
    await query('CREATE TABLE kept AS SELECT 42 AS n');
    await launcher.end();
    launcher = await startLauncher(dataDir);
    expect(await query('SELECT n FROM kept')).toEqual([{ n: 42 }]);
  });
});

describe('a process that dies', () => {
  it('a service is started again', async () => {
    launcher = await startLauncher(dataDir);
    const running = launcher;
    const before = await webPid(running);
    process.kill(before, 'SIGKILL');
    await vi.waitFor(async () => expect(await webPid(running)).not.toBe(before), EVENTUALLY);
    expect(running.output()).toContain('web ended (SIGKILL) and starts again');
  });

  it('PostgreSQL is started again, with what it had acknowledged', async () => {
    launcher = await startLauncher(dataDir);
    await query('CREATE TABLE kept AS SELECT 42 AS n');
    const before = await postmasterPid(dataDir);
    process.kill(before, 'SIGKILL');
    await vi.waitFor(() => expect(launcher?.output()).toContain('postgres runs again'), EVENTUALLY);
    expect(await postmasterPid(dataDir)).not.toBe(before);
    expect(await query('SELECT n FROM kept')).toEqual([{ n: 42 }]);
  });

  it('the launcher: everything else ends, and the next start recovers', async () => {
    launcher = await startLauncher(dataDir);
    await query('CREATE TABLE kept AS SELECT 42 AS n');
    const started = descendants(launcher.pid);
    await launcher.end('SIGKILL');
    await vi.waitFor(() => expect(stillAlive(started)).toEqual([]), EVENTUALLY);
    launcher = await startLauncher(dataDir);
    expect(await query('SELECT n FROM kept')).toEqual([{ n: 42 }]);
  });

  it('the launcher, and the next start does not wait for what it left', async () => {
    launcher = await startLauncher(dataDir);
    await launcher.end('SIGKILL');
    launcher = await startLauncher(dataDir);
    expect(await query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });
});
