/** What the vendor has been asked for and does not have. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';

/** Keys of the first and the last bar that are missing. */
export interface KeyRange {
  from: UnixSeconds;
  to: UnixSeconds;
}

export interface VendorSeries {
  ticker: string;
  resolution: NativeResolution;
  source: string;
}

/** Ranges that touch `[from, to]`, rising. */
export async function listEmptyRanges(db: Database, series: VendorSeries, { from, to }: KeyRange): Promise<KeyRange[]> {
  const { rows } = await answering(() =>
    sql<KeyRange>`
      SELECT extract(epoch FROM from_time)::bigint AS "from", extract(epoch FROM to_time)::bigint AS "to" FROM empty_ranges
      WHERE ticker = ${series.ticker} AND resolution = ${series.resolution} AND source = ${series.source}
        AND to_time >= to_timestamp(${from}) AND from_time <= to_timestamp(${to})
      ORDER BY from_time`.execute(db.kysely),
  );
  return rows;
}

/** Remembers ranges as empty; one that begins where another one does replaces it. */
export async function confirmEmpty(db: Database, series: VendorSeries, ranges: readonly KeyRange[]): Promise<void> {
  if (ranges.length === 0) return;
  await answering(() =>
    sql`
      INSERT INTO empty_ranges (ticker, resolution, source, from_time, to_time)
      SELECT ${series.ticker}, ${series.resolution}, ${series.source}, to_timestamp(first), to_timestamp(last)
      FROM unnest(${ranges.map(({ from }) => from)}::bigint[], ${ranges.map(({ to }) => to)}::bigint[]) AS range (first, last)
      ON CONFLICT (ticker, resolution, source, from_time) DO UPDATE
      SET to_time = excluded.to_time, confirmed_at = now()`.execute(db.kysely),
  );
}
