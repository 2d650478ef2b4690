/** Databases as a whole: made for a restore, put in another's place, dropped after a drill. */
import { setTimeout as sleep } from 'node:timers/promises';
import { sql } from 'kysely';
import { isUnavailable } from '../errors.ts';
import { openArchiveSession, type ArchiveSession } from './session.ts';

/** The same server and login, another database. */
export function databaseNamed(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${encodeURIComponent(name)}`;
  return changed.href;
}

export function databaseOf(url: string): string {
  return decodeURIComponent(new URL(url).pathname.slice(1)) || 'postgres';
}

export class DatabaseRightsError extends Error {
  override readonly name = 'DatabaseRightsError';
}

/** Runs `work` in a session on any other database of the server: one cannot rename or drop the one that one is in. */
export async function administer<T>(url: string, work: (session: ArchiveSession) => Promise<T>): Promise<T> {
  const session = await openArchiveSession(databaseNamed(url, 'postgres')).catch((error: unknown) => {
    if (isUnavailable(error)) throw error;
    return openArchiveSession(databaseNamed(url, 'template1')); // some providers keep their logins out of postgres
  });
  try {
    return await work(session);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === '42501')) throw error;
    throw new DatabaseRightsError(
      `The login may not do this (${error.message}): give it CREATEDB and the ownership of the database, or use an administrator's.`,
      { cause: error },
    );
  } finally {
    await session.close();
  }
}

export async function databaseExists(url: string, name = databaseOf(url)): Promise<boolean> {
  return administer(url, async (session) => {
    const found = await session.rows(sql`SELECT FROM pg_database WHERE datname = ${name}`);
    return found.length > 0;
  });
}

/** @throws {DatabaseRightsError} */
export async function createEmptyDatabase(url: string, name: string): Promise<void> {
  // template0: what somebody has put into template1 is no part of an archive.
  await administer(url, (session) =>
    session.run(sql`CREATE DATABASE ${sql.id(name)} TEMPLATE template0 ENCODING 'UTF8'`),
  );
}

export async function dropDatabase(url: string, name: string): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await administer(url, (session) => session.run(sql`DROP DATABASE IF EXISTS ${sql.id(name)} WITH (FORCE)`));
    } catch (error) {
      // TimescaleDB's workers come back while a database is being dropped.
      if (attempt === 5 || error instanceof DatabaseRightsError || isUnavailable(error)) throw error;
      await sleep(500);
    }
  }
}

/**
 * Puts `fresh` in the place of `name` in one step: whoever connects meets the old one or the new one. Open connections to both are
 * ended.
 *
 * @param swap.aside the name that the old one gets
 */
export async function swapDatabases(url: string, swap: { name: string; fresh: string; aside: string }): Promise<void> {
  const { name, fresh, aside } = swap;
  await administer(url, async (session) => {
    for (let attempt = 1; ; attempt++) {
      await session.run(sql`BEGIN`);
      try {
        // Uncommitted, so that others can still connect; they are ended until the rename finds nobody.
        await session.run(
          sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname IN (${name}, ${fresh}) AND pid <> pg_backend_pid()`,
        );
        await session.run(sql`ALTER DATABASE ${sql.id(name)} RENAME TO ${sql.id(aside)}`);
        await session.run(sql`ALTER DATABASE ${sql.id(fresh)} RENAME TO ${sql.id(name)}`);
        await session.run(sql`COMMIT`);
        return;
      } catch (error) {
        await session.run(sql`ROLLBACK`);
        const busy = error instanceof Error && 'code' in error && error.code === '55006';
        if (!busy || attempt === SWAP_ATTEMPTS) throw error;
        await sleep(100);
      }
    }
  });
}

const SWAP_ATTEMPTS = 100;

/** Names of databases that begin so, and whether anybody is connected. */
export async function listDatabasesLike(url: string, beginning: string): Promise<{ name: string; used: boolean }[]> {
  return administer(url, (session) =>
    session.rows(sql<{ name: string; used: boolean }>`
      SELECT datname AS name, EXISTS (SELECT FROM pg_stat_activity a WHERE a.datname = d.datname) AS used
      FROM pg_database d WHERE starts_with(datname, ${beginning}) ORDER BY 1`),
  );
}
