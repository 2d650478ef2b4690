/**
 * Moves a plain database to TimescaleDB. The extension brings functions that the core migrations have made under the same
 * names: in one transaction the views that use them are taken out, the functions dropped, the extension created and the views put
 * back; then sql/timescale turns the tables into hypertables. Cut short, it can be run again.
 */
import pg from 'pg';
import { MigrationError } from './errors.ts';
import { migrate } from './migrate.ts';
import { availableTimescale, isSupported, mayNotBeCreated, refuseOldTimescale, timescaleVersion } from './timescale.ts';

const PRICE_TABLES = ['stock_prices_1m', 'stock_prices_1h', 'stock_prices_1d'] as const;
type RowCounts = Record<(typeof PRICE_TABLES)[number], number>;

export interface Moved {
  /** Of the server, as `17.5`. */
  server: string;
  /** Of TimescaleDB. */
  extension: string;
  /** Rows of each table after the move; never fewer than before. */
  rows: RowCounts;
  /** False when the database had the extension already. */
  moved: boolean;
}

const PREPARE =
  'Install TimescaleDB on the server, add timescaledb to shared_preload_libraries, restart the server, and move as a superuser ' +
  '(docs/timescale.md). Managed databases: docs/managed-databases.md.';

/**
 * @param options.url as the owner of the tables, who may create the extension
 * @throws {MigrationError} saying what is missing; the database is as it was
 */
export async function moveToTimescale(options: { url: string; onProgress?: (step: string) => void }): Promise<Moved> {
  const { url, onProgress = () => undefined } = options;
  onProgress('bringing the plain schema to its newest version');
  await migrate({ url });
  const { moved, before } = await inSession(url, async (client) => {
    const counted = await countRows(client);
    const present = await timescaleVersion(client);
    if (present !== null) {
      refuseOldTimescale(present);
      return { moved: false, before: counted };
    }
    onProgress('creating the extension and rebuilding views');
    await createExtension(client);
    return { moved: true, before: counted };
  });
  onProgress('turning the price tables into hypertables');
  await migrate({ url });
  return inSession(url, async (client) => {
    const rows = await countRows(client);
    const lost = PRICE_TABLES.filter((table) => rows[table] < before[table]);
    if (lost.length > 0)
      throw new MigrationError(`Rows are missing after the move in ${lost.join(', ')}: restore the backup.`);
    const { rows: versions } = await client.query<{ server: string }>(
      `SELECT current_setting('server_version') AS server`,
    );
    return { server: versions[0]?.server ?? '', extension: (await timescaleVersion(client)) ?? '', rows, moved };
  });
}

async function createExtension(client: pg.Client): Promise<void> {
  const available = await availableTimescale(client);
  if (available === null) throw new MigrationError(`This server does not have TimescaleDB. ${PREPARE}`);
  if (!isSupported(available))
    throw new MigrationError(`This server offers TimescaleDB ${available}, which is too old. ${PREPARE}`);
  try {
    await client.query('BEGIN');
    // The functions and their aggregates of the core migrations, by name and owner: nothing that others have made.
    const { rows } = await client.query<{ saved: unknown }>(
      `SELECT set_views_aside('pg_proc', ARRAY(
         SELECT oid FROM pg_proc WHERE pronamespace = 'public'::regnamespace
           AND proname IN ('time_bucket', 'first', 'last'))) AS saved`,
    );
    await client.query(`
      DROP AGGREGATE public.first(double precision, timestamptz), public.last(double precision, timestamptz);
      DROP FUNCTION public.tapecast_keep_first(double precision[], double precision, timestamptz),
        public.tapecast_keep_last(double precision[], double precision, timestamptz), public.tapecast_kept_value(double precision[]);
      DROP FUNCTION public.time_bucket(interval, timestamptz), public.time_bucket(interval, timestamptz, text),
        public.time_bucket(interval, date);
      CREATE EXTENSION timescaledb SCHEMA public;
    `);
    await client.query('SELECT put_views_back($1)', [JSON.stringify(rows[0]?.saved ?? [])]);
    await client.query('COMMIT');
  } catch (error) {
    await client.query('ROLLBACK').catch(() => undefined);
    if (mayNotBeCreated(error)) {
      throw new MigrationError(`TimescaleDB cannot be created here: ${(error as Error).message}. ${PREPARE}`, {
        cause: error,
      });
    }
    const detail = error instanceof pg.DatabaseError && error.detail !== undefined ? ` (${error.detail})` : '';
    throw new MigrationError(
      `The move was undone, nothing has changed: ${error instanceof Error ? error.message : String(error)}${detail}`,
      { cause: error },
    );
  }
}

async function countRows(client: pg.Client): Promise<RowCounts> {
  const { rows } = await client.query<Record<string, string>>(
    `SELECT (SELECT count(*) FROM stock_prices_1m) AS stock_prices_1m, (SELECT count(*) FROM stock_prices_1h) AS stock_prices_1h,
       (SELECT count(*) FROM stock_prices_1d) AS stock_prices_1d`,
  );
  const of = (table: string): number => Number(rows[0]?.[table] ?? 0);
  return {
    stock_prices_1m: of('stock_prices_1m'),
    stock_prices_1h: of('stock_prices_1h'),
    stock_prices_1d: of('stock_prices_1d'),
  };
}

async function inSession<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'tapecast-move',
  });
  // A server that has not loaded the library ends the session that asks for it.
  client.on('error', () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}
