/** One connection that reads or writes an archive: values in a text form that is the same on every server. */
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type RawBuilder,
  sql,
} from 'kysely';
import pg from 'pg';
import { answering } from '../database.ts';

export interface ArchiveSession {
  readonly client: pg.Client;
  rows<T>(statement: RawBuilder<T>): Promise<T[]>;
  run(statement: RawBuilder<unknown>): Promise<void>;
  /** The statement's text, for COPY, which takes no parameters. */
  text(statement: RawBuilder<unknown>): string;
  /** Ends the connection; a transaction that is open is rolled back. */
  close(): Promise<void>;
}

const compiler = new Kysely<unknown>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (db) => new PostgresIntrospector(db),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** @throws {DatabaseUnavailableError} */
export async function openArchiveSession(url: string): Promise<ArchiveSession> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'tapecast backup',
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  });
  client.on('error', () => undefined); // the statement that needs the connection reports it
  await answering(() => client.connect());
  const session: ArchiveSession = {
    client,
    rows: async (statement) => {
      const { sql: text, parameters } = statement.compile(compiler);
      return (await answering(() => client.query(text, [...parameters]))).rows;
    },
    run: async (statement) => {
      await session.rows(statement);
    },
    text: (statement) => statement.compile(compiler).sql,
    close: () => client.end().catch(() => undefined),
  };
  try {
    // What a login or a database may have set for itself must not change a digit, nor end a long silence.
    for (const [name, value] of SETTINGS) await session.run(sql`SELECT set_config(${name}, ${value}, false)`);
  } catch (error) {
    await session.close();
    throw error;
  }
  return session;
}

const SETTINGS = [
  ['client_encoding', 'UTF8'],
  ['DateStyle', 'ISO, YMD'],
  ['IntervalStyle', 'postgres'],
  ['TimeZone', 'UTC'],
  ['extra_float_digits', '1'],
  ['bytea_output', 'hex'],
  ['search_path', 'public'],
  ['statement_timeout', '0'],
  ['idle_in_transaction_session_timeout', '0'],
] as const;
