/** Runs of the lab: rows first, jobs second. Whoever finishes a run that was cancelled or finished meanwhile changes nothing. */
import {
  MOST_OPEN_LAB_RUNS,
  type LabProgress,
  type LabResult,
  type LabRun,
  type LabRunSummary,
  type LabRunsQuery,
  type LabSettings,
  type LabVerdict,
} from '@tapecast/contracts/lab';
import { type Epoch, type Revision } from '@tapecast/contracts/units';
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';

/** @returns the run's id; null while too many runs are open */
export async function createLabRun(
  db: Database,
  run: { settings: LabSettings; seed: number; repeatOf?: number | undefined },
): Promise<number | null> {
  const { settings, seed, repeatOf = null } = run;
  const { rows } = await answering(() =>
    sql<{ id: number }>`
      INSERT INTO lab_runs (ticker, resolution, settings, seed, repeat_of)
      SELECT ${settings.ticker}, ${settings.resolution}, ${JSON.stringify(settings)}::jsonb, ${seed}::integer, ${repeatOf}::bigint
      WHERE (SELECT count(*) FROM lab_runs WHERE state IN ('waiting', 'running')) < ${MOST_OPEN_LAB_RUNS}
      RETURNING id`.execute(db.kysely),
  );
  return rows[0]?.id ?? null;
}

const PROGRESS = sql`r.id, r.state, r.progress, r.stage, r.error`;
const SUMMARY = sql`${PROGRESS}, r.settings, r.seed, r.repeat_of AS "repeatOf", r.attempt, r.verdict,
  extract(epoch FROM r.created_at)::bigint AS "createdAt", extract(epoch FROM r.started_at)::bigint AS "startedAt",
  extract(epoch FROM r.finished_at)::bigint AS "finishedAt",
  (r.result #>> '{test,strategy,totalReturn}')::double precision AS "totalReturn",
  (r.result #>> '{test,hold,totalReturn}')::double precision AS "holdReturn",
  (r.result #>> '{test,hitRate}')::double precision AS "hitRate"`;

/** Newest first. */
export async function listLabRuns(db: Database, query: LabRunsQuery): Promise<LabRunSummary[]> {
  const { rows } = await answering(() =>
    sql<LabRunSummary>`
      SELECT ${SUMMARY} FROM lab_runs r
      WHERE (${query.ticker ?? null}::text IS NULL OR r.ticker = ${query.ticker ?? null})
        AND (${query.before ?? null}::bigint IS NULL OR r.id < ${query.before ?? null})
      ORDER BY r.id DESC LIMIT ${query.limit}`.execute(db.kysely),
  );
  return rows;
}

export async function readLabRun(db: Database, id: number): Promise<LabRun | null> {
  const { rows } = await answering(() =>
    sql<LabRun>`
      SELECT ${SUMMARY}, r.epoch, r.revision, r.data_hash AS "dataHash", r.result_hash AS "resultHash", r.result,
        CASE WHEN o.id IS NULL THEN NULL
          ELSE json_build_object('dataHash', o.data_hash, 'resultHash', o.result_hash) END AS original
      FROM lab_runs r LEFT JOIN lab_runs o ON o.id = r.repeat_of WHERE r.id = ${id}`.execute(db.kysely),
  );
  return rows[0] ?? null;
}

/** Where these runs stand; unknown ones are left out. */
export async function readLabProgress(db: Database, ids: readonly number[]): Promise<LabProgress[]> {
  if (ids.length === 0) return [];
  const { rows } = await answering(() =>
    sql<LabProgress>`SELECT ${PROGRESS} FROM lab_runs r WHERE r.id = ANY (${[...ids]}::bigint[]) ORDER BY r.id`.execute(
      db.kysely,
    ),
  );
  return rows;
}

/** Runs that nobody has finished yet, oldest first. */
export async function listOpenLabRuns(db: Database): Promise<number[]> {
  const { rows } = await answering(() =>
    sql<{ id: number }>`SELECT id FROM lab_runs WHERE state IN ('waiting', 'running') ORDER BY id`.execute(db.kysely),
  );
  return rows.map(({ id }) => id);
}

/** Ends it unless it has ended. @returns whether it was still open */
export async function cancelLabRun(db: Database, id: number): Promise<boolean> {
  const { rows } = await answering(() =>
    sql<{ cancelled: boolean }>`SELECT cancel_lab_run(${id}) AS cancelled`.execute(db.kysely),
  );
  return rows[0]?.cancelled ?? false;
}

/** @returns what to do; null when the run is unknown or has ended */
export async function beginLabRun(
  db: Database,
  id: number,
): Promise<{ settings: LabSettings; seed: number; attempt: number } | null> {
  const { rows } = await answering(() =>
    sql<{ settings: LabSettings; seed: number; attempt: number }>`
      UPDATE lab_runs SET state = 'running', stage = 'reading prices', started_at = coalesce(started_at, now())
      WHERE id = ${id} AND state IN ('waiting', 'running') RETURNING settings, seed, attempt`.execute(db.kysely),
  );
  return rows[0] ?? null;
}

/** A run that is at work a second time does not go back. @returns false when the run has ended meanwhile */
export async function moveLabRun(db: Database, id: number, progress: number, stage: string): Promise<boolean> {
  const { numAffectedRows } = await answering(() =>
    sql`
      UPDATE lab_runs SET stage = CASE WHEN progress <= ${progress} THEN ${stage} ELSE stage END,
        progress = greatest(progress, ${progress})
      WHERE id = ${id} AND state = 'running'`.execute(db.kysely),
  );
  return Number(numAffectedRows ?? 0) > 0;
}

/**
 * Forgets runs that ended more than so many days ago. What another run repeats stays until that is gone, and the newest run of each
 * series for good: it holds the number of tries.
 * @returns how many were forgotten
 */
export async function pruneLabRuns(db: Database, keepDays: number): Promise<number> {
  const { rows } = await answering(() =>
    sql<{ pruned: number }>`SELECT prune_lab_runs(make_interval(days => ${keepDays}::integer)) AS pruned`.execute(
      db.kysely,
    ),
  );
  return rows[0]?.pruned ?? 0;
}

export interface LabOutcome {
  epoch: Epoch;
  revision: Revision;
  dataHash: string;
  result: LabResult;
  resultHash: string;
  verdict: LabVerdict;
}

/** @returns false when the run had ended before */
export async function finishLabRun(db: Database, id: number, outcome: LabOutcome): Promise<boolean> {
  const { epoch, revision, dataHash, result, resultHash, verdict } = outcome;
  const { numAffectedRows } = await answering(() =>
    sql`
      UPDATE lab_runs SET state = 'done', progress = 1, stage = 'done', finished_at = now(), epoch = ${epoch}, revision = ${revision},
        data_hash = ${dataHash}, result = ${JSON.stringify(result)}::jsonb, result_hash = ${resultHash}, verdict = ${verdict}
      WHERE id = ${id} AND state = 'running'`.execute(db.kysely),
  );
  return Number(numAffectedRows ?? 0) > 0;
}

/** @param error for people: what was wrong and what would do */
export async function failLabRun(db: Database, id: number, error: string): Promise<boolean> {
  const { numAffectedRows } = await answering(() =>
    sql`
      UPDATE lab_runs SET state = 'failed', stage = 'failed', error = ${error.slice(0, 2_000)}, finished_at = now()
      WHERE id = ${id} AND state IN ('waiting', 'running')`.execute(db.kysely),
  );
  return Number(numAffectedRows ?? 0) > 0;
}
