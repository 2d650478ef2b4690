/** What a server and a database are, for people who ask whether everything is in place. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { sql } from 'kysely';
import { pricesTable } from './bars.ts';
import { answering, type Database } from './database.ts';

export interface ServerFacts {
  /** Such as `18.1`. */
  version: string;
  major: number;
  /** Version of the extension in this database, null where it is plain PostgreSQL. */
  timescale: string | null;
  database: string;
  user: string;
  sizeBytes: number;
  /** A standby: it takes no writes. */
  readOnly: boolean;
  tls: boolean;
}

export async function inspectServer(db: Database): Promise<ServerFacts> {
  const { rows } = await answering(() =>
    sql<ServerFacts>`
      SELECT split_part(current_setting('server_version'), ' ', 1) AS version,
        current_setting('server_version_num')::integer / 10000 AS major,
        (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS timescale,
        current_database() AS database, session_user AS "user", pg_database_size(current_database()) AS "sizeBytes",
        pg_is_in_recovery() AS "readOnly",
        coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS tls`.execute(db.kysely),
  );
  const [facts] = rows;
  if (facts === undefined) throw new Error('The server did not say what it is.');
  return facts;
}

/** Names of the databases of the server that this login may enter, and how many of the services are connected to each. */
export async function listDatabases(db: Database): Promise<{ name: string; services: number }[]> {
  const { rows } = await answering(() =>
    sql<{ name: string; services: number }>`
      SELECT datname AS name, (SELECT count(*) FROM pg_stat_activity a
        WHERE a.datname = d.datname AND a.usename IN ('tapecast_ingestor', 'tapecast_forecaster', 'tapecast_web')) AS services
      FROM pg_database d WHERE NOT datistemplate AND has_database_privilege(datname, 'CONNECT') ORDER BY 1`.execute(
      db.kysely,
    ),
  );
  return rows;
}

/** Bars of a ticker, and the times of its first and last one in Unix seconds. */
export interface Extent {
  ticker: string;
  bars: number;
  first: number;
  last: number;
}

export async function readExtents(db: Database, resolution: NativeResolution): Promise<Extent[]> {
  const { rows } = await answering(() =>
    sql<Extent>`
      SELECT ticker, count(*) AS bars, extract(epoch FROM min(time))::bigint AS first, extract(epoch FROM max(time))::bigint AS last
      FROM ${pricesTable(resolution)} WHERE close IS NOT NULL GROUP BY ticker ORDER BY ticker`.execute(db.kysely),
  );
  return rows;
}
