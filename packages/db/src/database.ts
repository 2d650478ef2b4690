/** A pool of connections with timeouts everywhere: a black hole must become an error, not a wait. */
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { DatabaseUnavailableError, isConflict, isUnavailable } from './errors.ts';
import { type Schema } from './schema.ts';

export interface DatabaseOptions {
  url: string;
  /** Seen in pg_stat_activity. */
  applicationName: string;
  maxConnections?: number;
  queryTimeoutMs?: number;
  /** A connection that was idle broke. The pool replaces it; this is for the log. */
  onError?: (error: Error) => void;
}

export interface Database {
  readonly kysely: Kysely<Schema>;
  readonly pool: pg.Pool;
  close(): Promise<void>;
}

const BIGINT_OID = 20;

/** Revisions and counts stay far below 2^53, so that bigint can be read as a number. */
const types: pg.CustomTypesConfig = {
  getTypeParser(oid: number, format?: 'text' | 'binary') {
    if (oid === BIGINT_OID && format !== 'binary') return Number;
    return pg.types.getTypeParser(oid, format ?? 'text');
  },
};

export function openDatabase(options: DatabaseOptions): Database {
  const queryTimeoutMs = options.queryTimeoutMs ?? 30_000;
  const pool = new pg.Pool({
    connectionString: options.url,
    application_name: options.applicationName,
    max: options.maxConnections ?? 10,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    query_timeout: queryTimeoutMs,
    statement_timeout: queryTimeoutMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types,
  });
  pool.on('error', (error) => options.onError?.(error));
  // A connection that breaks while a query runs tells the query, and emits an error too: without a listener that one
  // would end the process.
  pool.on('connect', (client) => {
    client.on('error', () => undefined);
    endWhenSilent(client);
  });
  const kysely = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  return { kysely, pool, close: () => kysely.destroy() };
}

/**
 * A query without an answer in time leaves its connection waiting for that answer. Back in the pool, it would make everybody after it
 * wait as long, until TCP gives a server up whose machine is gone: a quarter of an hour. So it is closed, and the pool opens another.
 */
function endWhenSilent(client: pg.PoolClient): void {
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const watched = (...args: unknown[]): unknown => {
    const answer = query(...args);
    if (answer instanceof Promise) {
      answer.catch((error: unknown) => {
        if (error instanceof Error && error.message === 'Query read timeout')
          (client as pg.PoolClient & pg.Client).end().catch(() => undefined);
      });
    }
    return answer;
  };
  client.query = watched as typeof client.query;
}

/** @throws {DatabaseUnavailableError} in place of the driver's many ways to say that nobody answered */
export async function answering<T>(query: () => Promise<T>): Promise<T> {
  try {
    return await query();
  } catch (error) {
    throw isUnavailable(error) && !(error instanceof DatabaseUnavailableError)
      ? new DatabaseUnavailableError(error)
      : error;
  }
}

const CONFLICT_RETRIES = 5;

/** Runs a READ COMMITTED transaction, again when the server ended it for the sake of another one. */
export async function inTransaction<T>(db: Database, work: (transaction: Kysely<Schema>) => Promise<T>): Promise<T> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await answering(() => db.kysely.transaction().setIsolationLevel('read committed').execute(work));
    } catch (error) {
      if (!isConflict(error) || attempt >= CONFLICT_RETRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 20 * 2 ** attempt));
    }
  }
}
