/** Head revisions of the native series. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type Ticker } from '@tapecast/contracts/ticker';
import { type Epoch, type Revision } from '@tapecast/contracts/units';
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';

export interface Head {
  ticker: Ticker;
  resolution: NativeResolution;
  revision: Revision;
}

/** All heads (or those of the given tickers) and the epoch, read in one statement. */
export async function readHeads(db: Database, tickers?: readonly string[]): Promise<{ epoch: Epoch; heads: Head[] }> {
  const only = tickers === undefined ? null : [...tickers];
  const { rows } = await answering(() =>
    sql<{ epoch: Epoch; heads: Head[] }>`
      SELECT current_epoch() AS epoch, coalesce((
        SELECT json_agg(json_build_object('ticker', ticker, 'resolution', resolution, 'revision', revision))
        FROM series WHERE ${only}::text[] IS NULL OR ticker = ANY (${only}::text[])
      ), '[]'::json) AS heads
    `.execute(db.kysely),
  );
  const [row] = rows;
  if (row === undefined) throw new Error('The database answered without a row where it always has one.');
  return row;
}
