/** TimescaleDB's presence: which version a database has, and whether a new database can have it. */
import pg from 'pg';
import { MigrationError } from './errors.ts';

/** Older ones lack the columnstore's words, or transition tables on hypertables. */
const OLDEST = [2, 22] as const;

/** Version of the extension in this database; null on plain PostgreSQL. */
export async function timescaleVersion(client: pg.ClientBase): Promise<string | null> {
  const { rows } = await client.query<{ version: string }>(
    `SELECT extversion AS version FROM pg_extension WHERE extname = 'timescaledb'`,
  );
  return rows[0]?.version ?? null;
}

/** Version that the server would give a database; null where it is not installed. */
export async function availableTimescale(client: pg.ClientBase): Promise<string | null> {
  const { rows } = await client.query<{ version: string }>(
    `SELECT default_version AS version FROM pg_available_extensions WHERE name = 'timescaledb'`,
  );
  return rows[0]?.version ?? null;
}

export function isSupported(version: string): boolean {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  return major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
}

/** @throws {MigrationError} */
export function refuseOldTimescale(version: string): void {
  if (isSupported(version)) return;
  throw new MigrationError(
    `The database has TimescaleDB ${version}; ${OLDEST.join('.')} is the oldest that works here. ` +
      'Install a newer one on the server and run ALTER EXTENSION timescaledb UPDATE in a session of its own.',
  );
}

/**
 * Gives a database without our schema the extension where the server has it: afterwards it would have to be moved. Who may
 * not create it, or a server that has not loaded it, gets a plain database.
 */
export async function createTimescaleIfNew(client: pg.ClientBase, url: string): Promise<void> {
  const { rows } = await client.query<{ migrated: boolean }>(
    `SELECT to_regclass('schema_migrations') IS NOT NULL AS migrated`,
  );
  if (rows[0]?.migrated === true || (await timescaleVersion(client)) !== null) return;
  const available = await availableTimescale(client);
  if (available === null || !isSupported(available)) return;
  // In a session of its own: a server that has not loaded the library ends the session that asks.
  const session = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  session.on('error', () => undefined);
  await session.connect();
  try {
    await session.query('CREATE EXTENSION IF NOT EXISTS timescaledb');
  } catch (error) {
    if (!mayNotBeCreated(error)) throw error;
  } finally {
    await session.end().catch(() => undefined);
  }
}

const INSUFFICIENT_PRIVILEGE = '42501';

/** Not preloaded (the server ends the session), or not ours to create. */
export function mayNotBeCreated(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return ('code' in error && error.code === INSUFFICIENT_PRIVILEGE) || /must be preloaded/.test(error.message);
}
