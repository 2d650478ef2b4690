/** Which database the commands work on: the one that is set, else the one that `npm start` brings. */
import { readFile } from 'node:fs/promises';
import { isAbsolute, join, resolve } from 'node:path';
import { databaseNamed } from '@tapecast/db/archive/databases';
import { type Database, openDatabase } from '@tapecast/db/database';
import { DatabaseUnavailableError } from '@tapecast/db/errors';
import { listDatabases } from '@tapecast/db/inspect';
import { loadConfig } from '@tapecast/runtime/config';
import { databaseSettings, databaseUrl, listenUrl, queueSettings } from '@tapecast/runtime/settings';
import { z } from 'zod';
import { UnavailableError } from './exit-codes.ts';

export interface FoundDatabase {
  /** A direct connection: sessions and COPY do not go through a transaction pooler. */
  url: string;
  /** For people, without a password. */
  place: string;
  embedded: boolean;
}

const Settings = z.object({
  ...databaseSettings,
  DATA_DIR: z.string().default('.tapecast'),
  PRICE_SOURCE: z.string().optional(),
});

const ROOT = resolve(import.meta.dirname, '..', '..', '..');
const REAL = 'tapecast';
const SIMULATED = 'tapecast_simulated';

/**
 * @param wanted name of a database on that server, instead of the usual one
 * @throws {ConfigError | UnavailableError} saying what to do
 */
export async function findDatabase(env: NodeJS.ProcessEnv, wanted?: string): Promise<FoundDatabase> {
  const config = loadConfig(Settings, env);
  if (config.DATABASE_URL !== undefined || config.POSTGRES_HOST !== undefined) {
    const direct = config.DATABASE_LISTEN_URL === undefined ? databaseUrl(config) : listenUrl(config);
    const url = wanted === undefined ? direct : databaseNamed(direct, wanted);
    return { url, place: placeOf(url), embedded: false };
  }
  const server = await embeddedServer(dataDirOf(env));
  const name = wanted ?? (await chooseName(server, config.PRICE_SOURCE));
  const url = databaseNamed(server, name);
  return { url, place: `${placeOf(url)}, the database of npm start`, embedded: true };
}

/** The folder of `npm start`. */
export function dataDirOf(env: NodeJS.ProcessEnv): string {
  const { DATA_DIR: folder } = loadConfig(z.object({ DATA_DIR: Settings.shape.DATA_DIR }), env);
  return isAbsolute(folder) ? folder : resolve(ROOT, folder);
}

/**
 * The queue that is set, else the one that `npm start` keeps beside its prices.
 * @throws {ConfigError | UnavailableError} saying what to do
 */
export async function findQueue(env: NodeJS.ProcessEnv, wantedDatabase?: string): Promise<string> {
  const { QUEUE_URL } = loadConfig(z.object({ QUEUE_URL: queueSettings.QUEUE_URL.optional() }), env);
  if (QUEUE_URL !== undefined) return QUEUE_URL;
  const { url, embedded } = await findDatabase(env, wantedDatabase);
  if (!embedded) {
    throw new UnavailableError('QUEUE_URL is not set: it tells where the jobs are, as redis://… or postgres://….');
  }
  const prices = decodeURIComponent(new URL(url).pathname.slice(1));
  return databaseNamed(url, prices.replace(REAL, `${REAL}_queue`));
}

/** As the launcher leaves it: the port of its running server, and the password of its administrator. */
async function embeddedServer(dataDir: string): Promise<string> {
  const folder = join(dataDir, 'postgres');
  try {
    const [port, password] = await Promise.all([
      readFile(join(folder, 'port'), 'utf8'),
      readFile(join(folder, 'password'), 'utf8'),
    ]);
    return `postgres://tapecast_admin:${encodeURIComponent(password.trim())}@127.0.0.1:${port.trim()}/postgres`;
  } catch (cause) {
    const missing = cause instanceof Error && 'code' in cause && cause.code === 'ENOENT';
    throw new UnavailableError(
      missing
        ? `There is no database yet: DATABASE_URL is not set, and npm start has not made one in ${dataDir}. Run npm start, or set DATABASE_URL or DATA_DIR.`
        : `The database of npm start in ${dataDir} belongs to another user: run this as the user who runs npm start.`,
      { cause },
    );
  }
}

async function chooseName(server: string, source: string | undefined): Promise<string> {
  const db = openDatabase({ url: server, applicationName: 'tapecast cli', maxConnections: 1 });
  try {
    const found = await listDatabases(db);
    const there = found.filter(({ name }) => name === REAL || name === SIMULATED);
    if (source === 'simulated') return SIMULATED;
    if (source === 'yahoo') return REAL;
    const running = there.find(({ services }) => services > 0);
    return running?.name ?? (there.length === 1 ? (there[0]?.name ?? REAL) : REAL);
  } catch (cause) {
    if (!(cause instanceof DatabaseUnavailableError)) throw cause;
    throw new UnavailableError(
      `The database of npm start does not run (${new URL(server).host}). Run npm start and leave it running, or set DATABASE_URL to another one.`,
      { cause },
    );
  } finally {
    await db.close();
  }
}

function placeOf(url: string): string {
  const { host, pathname } = new URL(url);
  return `${host}${pathname}`;
}

/** Opens it without a limit on statements: loads and exports take as long as they take. */
export function openUnlimited(found: FoundDatabase): Database {
  return openDatabase({ url: found.url, applicationName: 'tapecast cli', maxConnections: 3, queryTimeoutMs: 0 });
}
