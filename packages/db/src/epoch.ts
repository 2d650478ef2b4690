/** The identity of the database's history: revisions of different epochs cannot be compared. */
import { type Epoch } from '@tapecast/contracts/units';
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';

export async function readEpoch(db: Database): Promise<Epoch> {
  const { rows } = await answering(() => sql<{ epoch: Epoch }>`SELECT current_epoch() AS epoch`.execute(db.kysely));
  return one(rows).epoch;
}

/** Begins a new epoch unless another one has begun already; answers the epoch that is in force now. */
export async function renewEpoch(db: Database, expected: Epoch): Promise<Epoch> {
  const { rows } = await answering(() =>
    sql<{ epoch: Epoch }>`SELECT renew_epoch_if(${expected}) AS epoch`.execute(db.kysely),
  );
  return one(rows).epoch;
}

function one<T>(rows: T[]): T {
  const [row] = rows;
  if (row === undefined) throw new Error('The database answered without a row where it always has one.');
  return row;
}
