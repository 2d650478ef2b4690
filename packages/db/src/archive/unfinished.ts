/**
 * The mark of a database that is being restored: a table that is there from the first step until the last. Services refuse to start on
 * such a database (see assertSchema), and a restore that was cut short goes on from it.
 */
import { sql } from 'kysely';
import { type ArchiveSession } from './session.ts';

export interface Unfinished {
  /** Id of the archive. */
  archive: string;
  /** All of its rows are there; what is left are migrations. */
  loaded: boolean;
}

/** Any constant of our own; held while a restore into this database lives. */
const RESTORE_LOCK = 7_453_004;

/** @returns false when another restore into this database is under way */
export async function lockForRestore(session: ArchiveSession): Promise<boolean> {
  const [row] = await session.rows(sql<{ free: boolean }>`SELECT pg_try_advisory_lock(${RESTORE_LOCK}) AS free`);
  return row?.free === true;
}

/** @returns null where no restore was begun */
export async function readUnfinished(session: ArchiveSession): Promise<Unfinished | null> {
  const [row] = await session.rows(
    sql<{ there: boolean }>`SELECT to_regclass('public.unfinished_restore') IS NOT NULL AS there`,
  );
  if (row?.there !== true) return null;
  const [mark] = await session.rows(sql<Unfinished>`SELECT archive, loaded FROM unfinished_restore`);
  return mark ?? null;
}

/** Whether there is nothing in the database that a restore could mix with: no table, view or sequence of anybody. */
export async function isEmpty(session: ArchiveSession): Promise<boolean> {
  const [row] = await session.rows(sql<{ used: boolean }>`
    SELECT EXISTS (
      SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
        AND n.nspname NOT LIKE '\\_timescaledb\\_%') AS used`);
  return row?.used === false;
}

export async function markUnfinished(session: ArchiveSession, archive: string): Promise<void> {
  await session.run(sql`BEGIN`);
  await session.run(sql`CREATE TABLE public.unfinished_restore (
    archive text NOT NULL, loaded boolean NOT NULL DEFAULT false, started_at timestamptz NOT NULL DEFAULT now())`);
  await session.run(sql`INSERT INTO unfinished_restore (archive) VALUES (${archive})`);
  await session.run(sql`COMMIT`);
}

export async function markLoaded(session: ArchiveSession): Promise<void> {
  await session.run(sql`UPDATE unfinished_restore SET loaded = true`);
}

/** The last step: a new epoch, so that every client takes a snapshot, and the mark is gone. @returns the epoch */
export async function finishRestore(session: ArchiveSession): Promise<string> {
  await session.run(sql`BEGIN`);
  const [row] = await session.rows(sql<{ epoch: string }>`SELECT renew_epoch() AS epoch`);
  await session.run(sql`DROP TABLE unfinished_restore`);
  await session.run(sql`COMMIT`);
  // Planning without statistics is slow; a vacuum would bring them later.
  await session.run(sql`ANALYZE`);
  return row?.epoch ?? '';
}

/** What an operator had set by set_price_retention(). */
export async function setRetention(session: ArchiveSession, resolution: string, keep: string): Promise<void> {
  await session.run(sql`SELECT set_price_retention(${resolution}, ${keep}::interval)`);
}
