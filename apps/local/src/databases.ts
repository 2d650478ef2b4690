/**
 * The databases on the server: real and simulated prices never share one, and the queue has its own, so that a backup or a
 * restore of prices does not bring old jobs back.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import type { PriceSource } from './settings.ts';

export interface DatabaseNames {
  prices: string;
  queue: string;
}

/** @param base name for real prices, such as `tapecast` */
export function databaseNames(base: string, source: PriceSource): DatabaseNames {
  const suffix = source === 'yahoo' ? '' : `_${source}`;
  return { prices: `${base}${suffix}`, queue: `${base}_queue${suffix}` };
}

/** The same server and login, another database. */
export function withDatabase(url: string, database: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(database)}`;
  return changed.href;
}

/** The same server and database, another login. */
export function withLogin(url: string, user: string, password: string): string {
  const changed = new URL(url);
  changed.username = encodeURIComponent(user);
  changed.password = encodeURIComponent(password);
  return changed.href;
}

export function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1)) || 'postgres';
}

export class DatabaseSetupError extends Error {
  override readonly name = 'DatabaseSetupError';
}

/**
 * Creates the database where it is missing.
 *
 * @param url any database of the server, with the right to create others
 */
export async function ensureDatabase(url: string, name: string, owner?: string): Promise<void> {
  await withClient(url, async (client) => {
    const found = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [name]);
    if (found.rowCount !== 0) return;
    const owned = owner === undefined ? '' : ` OWNER ${client.escapeIdentifier(owner)}`;
    try {
      await client.query(`CREATE DATABASE ${client.escapeIdentifier(name)}${owned}`);
    } catch (cause) {
      if (codeOf(cause) === '42P04') return; // another start was quicker
      throw new DatabaseSetupError(
        `The database "${name}" does not exist and could not be created (${messageOf(cause)}). Create it and give this login all rights on it.`,
        { cause },
      );
    }
  });
}

/** Creates a role that may log in with `password` and nothing else, or gives it this password. */
export async function ensureLogin(url: string, role: string, password: string): Promise<void> {
  await withClient(url, async (client) => {
    const found = await client.query('SELECT 1 FROM pg_roles WHERE rolname = $1', [role]);
    const verb = found.rowCount === 0 ? 'CREATE' : 'ALTER';
    // Utility statements take no parameters; the driver quotes both.
    await client.query(
      `${verb} ROLE ${client.escapeIdentifier(role)} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD ${client.escapeLiteral(password)}`,
    );
  });
}

/** Waits for a server that is still starting; other errors than a missing connection are not waited out. */
async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const client = new pg.Client({
      connectionString: url,
      application_name: 'tapecast launcher',
      connectionTimeoutMillis: 5_000,
    });
    client.on('error', () => undefined); // the query under way reports it
    try {
      await client.connect();
    } catch (cause) {
      await client.end().catch(() => undefined);
      if (attempt < 5 && ['ECONNREFUSED', '57P03'].includes(codeOf(cause))) {
        await sleep(attempt * 200);
        continue;
      }
      const { host, pathname } = new URL(url);
      throw new DatabaseSetupError(`The database at ${host}${pathname} cannot be reached: ${messageOf(cause)}`, {
        cause,
      });
    }
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message || codeOf(error) : String(error);
}
