/** Rows that were refused: kept as evidence, folded per ticker, resolution and reason. */
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';

export interface Rejection {
  ticker: string;
  /** Null for a quote. */
  resolution: string | null;
  reason: string;
  /** The row as the source gave it. */
  raw: unknown;
  /** How many rows this stands for, default 1. */
  count?: number;
}

export async function recordRejections(db: Database, rejections: readonly Rejection[]): Promise<void> {
  if (rejections.length === 0) return;
  const folded = new Map<string, Rejection & { count: number }>();
  for (const rejection of rejections) {
    const key = JSON.stringify([rejection.ticker, rejection.resolution, rejection.reason]);
    folded.set(key, { ...rejection, count: (folded.get(key)?.count ?? 0) + (rejection.count ?? 1) });
  }
  // Sorted, so that two writers of the same rows wait for each other instead of deadlocking.
  const rows = [...folded.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, row]) => row);
  await answering(() =>
    sql`
      INSERT INTO rejected_rows AS r (ticker, resolution, reason, count, raw)
      SELECT * FROM unnest(
        ${rows.map((row) => row.ticker)}::text[], ${rows.map((row) => row.resolution)}::text[],
        ${rows.map((row) => row.reason)}::text[], ${rows.map((row) => row.count)}::bigint[],
        ${rows.map((row) => toJson(row.raw))}::jsonb[])
      ON CONFLICT (ticker, resolution, reason) DO UPDATE
      SET count = r.count + excluded.count, last_at = now(), raw = excluded.raw
    `.execute(db.kysely),
  );
}

/** jsonb knows neither NaN nor NUL characters: the evidence keeps them as text. */
function toJson(raw: unknown): string {
  const text = JSON.stringify(raw, (_key, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value,
  );
  return (text ?? 'null').replaceAll('\\u0000', '\\\\u0000');
}
