/** From staging to `imports.NAME`: a table of its own per file, to be joined with prices. */
import { type RawBuilder, sql } from 'kysely';
import { type Staging } from './staging.ts';

export const TABLE_TYPES = [
  'boolean',
  'bigint',
  'double precision',
  'date',
  'timestamp with time zone',
  'timestamp without time zone',
  'text',
] as const;
export type TableType = (typeof TABLE_TYPES)[number];

export interface TableColumn {
  name: string;
  type: TableType;
}

/** The table is there and cannot make room: something stands on it. */
export class TableInUseError extends Error {
  override readonly name = 'TableInUseError';
}

/** Column `n` of the file waits as text under this name. */
export function stagedName(place: number): string {
  return `c${place + 1}`;
}

/**
 * One transaction: the table is as the file, or as it was. Where the columns are the same its rows are replaced and its views and grants
 * stay; else it is made anew.
 *
 * @param record the statement that notes the outcome, in the same transaction
 */
export async function replaceTable(
  staging: Staging,
  name: string,
  columns: readonly TableColumn[],
  record: (rows: number) => RawBuilder<unknown>,
): Promise<{ rows: number; replaced: boolean }> {
  const table = sql.table(`imports.${name}`);
  return staging.transaction(async () => {
    const { rows: held } = await staging.query(sql<TableColumn>`
      SELECT attname AS name, format_type(atttypid, atttypmod) AS type FROM pg_attribute
      WHERE attrelid = to_regclass(${`imports.${name}`}) AND attnum > 0 AND NOT attisdropped ORDER BY attnum`);
    const same =
      held.length === columns.length &&
      columns.every(({ name: column, type }, place) => held[place]?.name === column && held[place].type === type);
    if (same) await staging.query(sql`TRUNCATE ${table}`);
    else await createAnew(staging, table, columns, held.length > 0 ? name : null);
    const values = columns.map(({ type }, place) => sql`nullif(${sql.ref(stagedName(place))}, '')::${sql.raw(type)}`);
    const { rowCount } = await staging.query(
      sql`INSERT INTO ${table} SELECT ${sql.join(values)} FROM ${staging.table} ORDER BY row`,
    );
    const rows = rowCount ?? 0;
    await staging.query(record(rows));
    return { rows, replaced: held.length > 0 };
  });
}

async function createAnew(
  staging: Staging,
  table: RawBuilder<unknown>,
  columns: readonly TableColumn[],
  existing: string | null,
): Promise<void> {
  if (existing !== null) {
    await staging.query(sql`DROP TABLE ${table}`).catch((cause: unknown) => {
      if (!(cause instanceof Error && 'code' in cause && cause.code === '2BP01')) throw cause;
      throw new TableInUseError(
        `imports.${existing} has other columns than this file, and views that use it: drop them, or choose another name.`,
        { cause },
      );
    });
  }
  const list = columns.map(({ name, type }) => sql`${sql.ref(name)} ${sql.raw(type)}`);
  await staging.query(sql`CREATE TABLE ${table} (${sql.join(list)})`);
  await staging.query(sql`GRANT SELECT ON ${table} TO tapecast_ingestor, tapecast_forecaster, tapecast_web`);
}
