/** The book of loads from files. A run that is alive holds an advisory lock, so that one whose program was killed is found. */
import { type RawBuilder, sql } from 'kysely';
import { answering, type Database } from './database.ts';

export type RunStatus = 'running' | 'done' | 'refused' | 'failed' | 'interrupted';

/** `row` counts the lines of the file from 1, the header included; `column` is the file's own name for it. */
export interface RowFault {
  row: number;
  column: string;
  message: string;
}

/** How far a file has come into its staging table. */
export interface StagedState {
  /** Bytes of the (unpacked) text up to the end of the last staged row, and their SHA-256. */
  bytes: number;
  hash: string;
  /** Number of the last row of the file that was judged, and how many of them are staged. */
  row: number;
  rows: number;
  /** What cannot be read again when the first part of the file is skipped: its header, and counts. */
  memory: unknown;
}

export interface IngestRun {
  id: number;
  source: string;
  target: string;
  status: RunStatus;
  fileHash: string | null;
  rowsIn: number | null;
  rowsKept: number | null;
  rowsRejected: number | null;
  rowsChanged: number | null;
  rejections: RowFault[];
  error: string | null;
  startedBy: string;
  startedAt: Date;
  finishedAt: Date | null;
}

export interface RunOutcome {
  status: Exclude<RunStatus, 'running'>;
  fileHash?: string;
  rowsIn?: number;
  rowsKept?: number;
  rowsRejected?: number;
  rowsChanged?: number;
  rejections?: readonly RowFault[];
  error?: string;
}

const COLUMNS = sql`id, source, target, status, file_hash AS "fileHash", rows_in AS "rowsIn", rows_kept AS "rowsKept",
  rows_rejected AS "rowsRejected", rows_changed AS "rowsChanged", rejections, error, started_by AS "startedBy",
  started_at AS "startedAt", finished_at AS "finishedAt"`;

/** @param run.startedBy user and host of the program; the database adds its login */
export async function beginRun(
  db: Database,
  run: { source: string; target: string; options: Record<string, unknown>; startedBy: string },
): Promise<number> {
  const { rows } = await answering(() =>
    sql<{ id: number }>`
      INSERT INTO ingest_runs (source, target, options, started_by)
      VALUES (${run.source}, ${run.target}, ${JSON.stringify(run.options)}::jsonb, session_user || ' (' || ${run.startedBy}::text || ')')
      RETURNING id`.execute(db.kysely),
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The database gave no id to a new run.');
  return row.id;
}

export async function endRun(db: Database, id: number, outcome: RunOutcome): Promise<void> {
  await answering(() => runEnd(id, outcome).execute(db.kysely));
}

/** The statement alone, for the transaction that does what it says. */
export function runEnd(id: number, outcome: RunOutcome): RawBuilder<unknown> {
  return sql`
    UPDATE ingest_runs SET status = ${outcome.status}, file_hash = ${outcome.fileHash ?? null},
      rows_in = ${outcome.rowsIn ?? null}, rows_kept = ${outcome.rowsKept ?? null},
      rows_rejected = ${outcome.rowsRejected ?? null}, rows_changed = ${outcome.rowsChanged ?? null},
      rejections = ${JSON.stringify(outcome.rejections ?? [])}::jsonb, error = ${outcome.error ?? null},
      staged = NULL, finished_at = now()
    WHERE id = ${id}`;
}

export async function readRun(db: Database, id: number): Promise<IngestRun | null> {
  const { rows } = await answering(() =>
    sql<IngestRun>`SELECT ${COLUMNS} FROM ingest_runs WHERE id = ${id}`.execute(db.kysely),
  );
  return rows[0] ?? null;
}

/** The newest runs, newest first. */
export async function listRuns(db: Database, limit = 20): Promise<IngestRun[]> {
  const { rows } = await answering(() =>
    sql<IngestRun>`SELECT ${COLUMNS} FROM ingest_runs ORDER BY id DESC LIMIT ${limit}`.execute(db.kysely),
  );
  return rows;
}

/** The newest run that loaded exactly this text into this table, and came to its end. */
export async function findEqualRun(db: Database, fileHash: string, target: string): Promise<IngestRun | null> {
  const { rows } = await answering(() =>
    sql<IngestRun>`
      SELECT ${COLUMNS} FROM ingest_runs
      WHERE file_hash = ${fileHash} AND target = ${target} AND status = 'done' ORDER BY id DESC LIMIT 1`.execute(
      db.kysely,
    ),
  );
  return rows[0] ?? null;
}
