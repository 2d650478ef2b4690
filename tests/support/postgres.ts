/**
 * Databases for tests: each file (or test) gets a clone of the migrated template on the one server of this run.
 *
 * ```ts
 * const database = await createDatabase();            // in beforeAll
 * openDatabase({ url: database.asRole('tapecast_web'), … });
 * await database.drop();                              // in afterAll, after everything that uses it was closed
 * ```
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceRole } from '@tapecast/db/roles';
import pg from 'pg';
import { inject } from 'vitest';

export interface TestDatabase {
  readonly name: string;
  /** As the owner and superuser. */
  readonly url: string;
  /** The same database for a service's role. */
  asRole(role: ServiceRole): string;
  /**
   * Removes the database.
   *
   * @throws when connections to it were left open: something that the test started was not closed
   */
  drop(): Promise<void>;
}

/** How long a connection that was just closed may take to vanish from the server's list. */
const CLOSING_MS = 2_000;

/** @param options.empty without our schema, for tests of migrations */
export async function createDatabase(options: { empty?: boolean } = {}): Promise<TestDatabase> {
  const server = serverOfThisRun();
  const name = `test_${randomBytes(6).toString('hex')}`;
  const template = options.empty ? 'template0' : server.template;
  await asAdmin((admin) => admin.query(`CREATE DATABASE ${name} TEMPLATE ${template}`));
  const url = withDatabase(server.adminUrl, name);
  return { name, url, asRole: (role) => asRole(url, role), drop: () => drop(name) };
}

/** `url` with the login of one of the services' roles. */
export function asRole(url: string, role: ServiceRole): string {
  const changed = new URL(url);
  changed.username = role;
  changed.password = serverOfThisRun().rolePassword;
  return changed.href;
}

/** Runs one piece of administration on the server of this run. */
export async function asAdmin<T>(work: (admin: pg.Client) => Promise<T>): Promise<T> {
  const admin = new pg.Client({ connectionString: serverOfThisRun().adminUrl, application_name: 'test admin' });
  await admin.connect();
  try {
    return await work(admin);
  } finally {
    await admin.end();
  }
}

async function drop(name: string): Promise<void> {
  const left = await asAdmin(async (admin) => {
    const deadline = Date.now() + CLOSING_MS;
    let open: string[];
    do {
      open = await connectionsTo(admin, name);
      if (open.length > 0) await sleep(25);
    } while (open.length > 0 && Date.now() < deadline);
    await admin.query(`DROP DATABASE ${name} WITH (FORCE)`);
    return open;
  });
  if (left.length > 0) {
    throw new Error(
      `${left.length} connection(s) to ${name} were left open: ${left.join('; ')}. Close what the test opened.`,
    );
  }
}

async function connectionsTo(admin: pg.Client, name: string): Promise<string[]> {
  const { rows } = await admin.query<{ who: string }>(
    `SELECT format('%s as %s, last: %s', application_name, usename, left(query, 80)) AS who
     FROM pg_stat_activity WHERE datname = $1 AND backend_type = 'client backend'`,
    [name],
  );
  return rows.map(({ who }) => who);
}

function withDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.href;
}

function serverOfThisRun(): { adminUrl: string; template: string; rolePassword: string } {
  const server = inject('postgres');
  if (server === null)
    throw new Error('This project has no PostgreSQL: move the test to tests/integration or tests/e2e');
  return server;
}
