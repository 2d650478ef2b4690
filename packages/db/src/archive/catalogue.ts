/** Which tables belong into an archive, told by the catalogue: a table that a later migration makes is in it by itself. */
import { sql, type RawBuilder } from 'kysely';
import { type ArchiveSession } from './session.ts';

export interface ArchiveColumn {
  name: string;
  /** As format_type() writes it: `timestamp with time zone`, `numeric(10,2)`, `text[]`. */
  type: string;
  notNull: boolean;
}

export interface ArchiveTable {
  schema: string;
  name: string;
  /** Without generated ones, in the order of the rows' values. */
  columns: ArchiveColumn[];
  /** Names of its columns, in order; empty where there is none. */
  primaryKey: string[];
  owner: string;
}

export interface ArchiveSequence {
  schema: string;
  table: string;
  column: string;
  /** Last number given out; null where none was yet. Text, since it may pass 2^53. */
  lastValue: string | null;
}

/** Ours, and what people loaded by `tapecast import --table`. Rows of running imports (staging) and the queue are neither. */
const SCHEMAS = ['public', 'imports'];
/** Kept in the manifest, or true of one database only. */
const NOT_ROWS = ['schema_migrations', 'schema_migrations_timescale', 'unfinished_restore'];

/** Ordinary and partitioned tables, hypertables among them, by name. Tables of extensions are theirs to make. */
export async function listArchiveTables(session: ArchiveSession): Promise<ArchiveTable[]> {
  return session.rows(sql<ArchiveTable>`
    SELECT n.nspname AS schema, c.relname AS name, pg_get_userbyid(c.relowner) AS owner,
      (SELECT json_agg(json_build_object('name', attname, 'type', format_type(atttypid, atttypmod), 'notNull', attnotnull) ORDER BY attnum)
        FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '') AS columns,
      coalesce((SELECT json_agg(a.attname ORDER BY place)
        FROM pg_constraint k CROSS JOIN unnest(k.conkey) WITH ORDINALITY AS key (number, place)
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = key.number
        WHERE k.conrelid = c.oid AND k.contype = 'p'), '[]') AS "primaryKey"
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE n.nspname = ANY (${SCHEMAS}) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND c.relname <> ALL (${NOT_ROWS})
      AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
      AND EXISTS (SELECT FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped AND attgenerated = '')
    ORDER BY 1, 2`);
}

/** Sequences of identity and serial columns. Read them after the rows: a number that a row bears is then never above. */
export async function listArchiveSequences(session: ArchiveSession): Promise<ArchiveSequence[]> {
  return session.rows(sql<ArchiveSequence>`
    SELECT n.nspname AS schema, c.relname AS "table", a.attname AS "column", pg_sequence_last_value(s.oid)::text AS "lastValue"
    FROM pg_class s
    JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = s.oid AND d.refclassid = 'pg_class'::regclass
      AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
    JOIN pg_class c ON c.oid = d.refobjid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
    WHERE s.relkind = 'S' AND n.nspname = ANY (${SCHEMAS}) ORDER BY 1, 2, 3`);
}

/** Parents before the tables whose foreign keys point at them. */
export async function parentsFirst<T extends Pick<ArchiveTable, 'schema' | 'name'>>(
  session: ArchiveSession,
  tables: readonly T[],
): Promise<T[]> {
  const links = await session.rows(sql<{ child: string; parent: string }>`
    SELECT DISTINCT format('%s.%s', n.nspname, c.relname) AS child, format('%s.%s', pn.nspname, p.relname) AS parent
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
    WHERE k.contype = 'f' AND k.conrelid <> k.confrelid`);
  const waiting = new Map(tables.map((table) => [`${table.schema}.${table.name}`, table]));
  const ordered: T[] = [];
  while (waiting.size > 0) {
    const free = [...waiting].filter(
      ([name]) => !links.some(({ child, parent }) => child === name && waiting.has(parent)),
    );
    // A ring of foreign keys has no right order: the server then says which one it minds.
    for (const [name, table] of free.length > 0 ? free : [...waiting]) {
      ordered.push(table);
      waiting.delete(name);
    }
  }
  return ordered;
}

export function tableName(table: Pick<ArchiveTable, 'schema' | 'name'>): RawBuilder<unknown> {
  return sql.id(table.schema, table.name);
}

export function columnNames(columns: readonly Pick<ArchiveColumn, 'name'>[]): RawBuilder<unknown> {
  return sql.join(columns.map(({ name }) => sql.id(name)));
}
