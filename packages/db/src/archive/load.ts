/** Rows of an archive into a database that has its schema, all in one transaction: afterwards it holds all of them, or none. */
import { type Writable } from 'node:stream';
import { sql } from 'kysely';
import { from as copyFrom } from 'pg-copy-streams';
import { SERVICE_ROLES } from '../roles.ts';
import { type ArchiveSequence, type ArchiveTable, columnNames, parentsFirst, tableName } from './catalogue.ts';
import { type ArchiveSession } from './session.ts';
import { markLoaded } from './unfinished.ts';

/** A column type of a table that no migration makes; nothing that could end the statement. */
const PLAIN_TYPE = /^[a-z][a-z0-9_ ]*(\(\d+(,\d+)?\))?( with(out)? time zone)?(\[\])*$/;

export class ArchiveTableError extends Error {
  override readonly name = 'ArchiveTableError';
}

/**
 * @param load.copy writes a table's rows into `sink` and ends it; called parents first
 * @returns how many rows each table took, in the order of `load.tables`
 */
export async function loadTables<T extends ArchiveTable>(
  session: ArchiveSession,
  load: {
    tables: readonly T[];
    sequences: readonly ArchiveSequence[];
    copy(table: T, sink: Writable & { rowCount: number }): Promise<void>;
  },
): Promise<void> {
  const { tables, sequences, copy } = load;
  await session.run(sql`BEGIN ISOLATION LEVEL READ COMMITTED`);
  for (const table of tables) await makeWhereMissing(session, table);
  // What triggers do (revisions, marks of late forecasts) is in the archive already. USER leaves foreign keys in force.
  for (const table of tables) await session.run(sql`ALTER TABLE ${tableName(table)} DISABLE TRIGGER USER`);
  // Migrations put first rows into some tables.
  if (tables.length > 0) await session.run(sql`TRUNCATE ${sql.join(tables.map(tableName))}`);
  for (const table of await parentsFirst(session, tables)) {
    const statement = sql`COPY ${tableName(table)} (${columnNames(table.columns)}) FROM STDIN`;
    await copy(table, session.client.query(copyFrom(session.text(statement))));
  }
  for (const sequence of sequences) await setSequence(session, sequence);
  for (const table of tables) await session.run(sql`ALTER TABLE ${tableName(table)} ENABLE TRIGGER USER`);
  await markLoaded(session);
  await session.run(sql`COMMIT`);
}

/** People's tables in `imports`, which no migration makes: columns, primary key, and the rights that the import gives. */
async function makeWhereMissing(session: ArchiveSession, table: ArchiveTable): Promise<void> {
  const name = tableName(table);
  const [found] = await session.rows(sql<{ there: boolean }>`
    SELECT to_regclass(format('%I.%I', ${table.schema}::text, ${table.name}::text)) IS NOT NULL AS there`);
  if (found?.there === true) return;
  const columns = table.columns.map(({ name: column, type, notNull }) => {
    if (!PLAIN_TYPE.test(type)) {
      throw new ArchiveTableError(
        `The column ${column} of ${table.schema}.${table.name} has the type ${type}, which cannot be made here. ` +
          'Make the table by hand in the source with a plain type, and back it up again.',
      );
    }
    return sql`${sql.id(column)} ${sql.raw(type)}${notNull ? sql` NOT NULL` : sql``}`;
  });
  const key = table.primaryKey.map((column) => sql.id(column));
  const parts = key.length === 0 ? columns : [...columns, sql`PRIMARY KEY (${sql.join(key)})`];
  await session.run(sql`CREATE TABLE ${name} (${sql.join(parts)})`);
  await session.run(sql`GRANT SELECT ON ${name} TO ${sql.join(SERVICE_ROLES.map((role) => sql.id(role)))}`);
  if (SERVICE_ROLES.some((role) => role === table.owner)) {
    await session.run(sql`ALTER TABLE ${name} OWNER TO ${sql.id(table.owner)}`);
  }
}

async function setSequence(session: ArchiveSession, sequence: ArchiveSequence): Promise<void> {
  if (sequence.lastValue === null) return;
  // A table that was made above has no sequence: nothing to set there.
  await session.run(sql`
    SELECT setval(name::regclass, ${sequence.lastValue}::bigint, true)
    FROM pg_get_serial_sequence(format('%I.%I', ${sequence.schema}::text, ${sequence.table}::text), ${sequence.column}) AS name
    WHERE name IS NOT NULL`);
}
