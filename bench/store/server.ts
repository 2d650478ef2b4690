/** Where the benchmark keeps its bars: a database of its own on a real TimescaleDB, else an embedded PostgreSQL. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { migrate } from '@tapecast/db/migrate';
import pg from 'pg';
import { startPostgres } from '../../apps/local/src/embedded.ts';

export interface StoreServer {
  url: string;
  /** `PostgreSQL 17.5` */
  server: string;
  /** Version of TimescaleDB; null on plain PostgreSQL. */
  extension: string | null;
  close(): Promise<void>;
}

export async function openStore(timescaleUrl: string | undefined): Promise<StoreServer> {
  const { url, close } = timescaleUrl === undefined ? await embedded() : await beside(timescaleUrl);
  try {
    const { timescale } = await migrate({ url });
    const [{ version = '' } = {}] = await queryOnce<{ version: string }>(
      url,
      `SELECT current_setting('server_version') AS version`,
    );
    return { url, server: `PostgreSQL ${version.split(' ')[0]}`, extension: timescale, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function embedded(): Promise<{ url: string; close(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'tapecast-bench-'));
  await chmod(folder, 0o711); // under root, PostgreSQL runs as another user that has to pass through
  const server = await startPostgres({ folder, settings: { shared_buffers: '512MB', max_wal_size: '4GB' } });
  return {
    url: server.url('postgres'),
    close: async () => {
      await server.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function beside(adminUrl: string): Promise<{ url: string; close(): Promise<void> }> {
  const name = `bench_${randomBytes(6).toString('hex')}`;
  await queryOnce(adminUrl, `CREATE DATABASE ${name} TEMPLATE template0`);
  const url = Object.assign(new URL(adminUrl), { pathname: `/${name}` }).href;
  return {
    url,
    close: () => drop(adminUrl, name),
  };
}

/** TimescaleDB's workers come back while a database is being dropped: then once more. */
async function drop(adminUrl: string, name: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await queryOnce(adminUrl, `DROP DATABASE ${name} WITH (FORCE)`);
      return;
    } catch (error) {
      if (attempt === 5) throw error;
      await sleep(500);
    }
  }
}

async function queryOnce<T extends Record<string, unknown>>(url: string, text: string): Promise<T[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<T>(text)).rows;
  } finally {
    await client.end();
  }
}
