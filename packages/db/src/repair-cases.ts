/** Reading the cases of bad bars, and putting a bar back as it came. */
import { type BarRepair, type RepairState } from '@tapecast/contracts/actions';
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { sql } from 'kysely';
import { pricesTable } from './bars.ts';
import { answering, type Database, inTransaction } from './database.ts';
import { lockSeries } from './write-bars.ts';

export interface RepairCase extends BarRepair {
  ticker: string;
  oldVolume: number | null;
  newVolume: number | null;
  oldSource: string;
  changedAt: number;
  /** rule, source, or the login of a person. */
  changedBy: string;
}

/** The cases that concern what is stored now. */
export const STANDING: readonly RepairState[] = ['repaired', 'flagged'];
const LIMIT = 1_000;

const CASE = sql`json_build_object('id', id, 'ticker', ticker, 'resolution', resolution, 'time', extract(epoch FROM time)::bigint,
  'rule', rule, 'state', state, 'reason', reason, 'old', json_build_array(old_open, old_high, old_low, old_close),
  'new', CASE WHEN new_close IS NOT NULL THEN json_build_array(new_open, new_high, new_low, new_close) END,
  'foundAt', floor(extract(epoch FROM found_at))::bigint, 'oldVolume', old_volume, 'newVolume', new_volume, 'oldSource', old_source,
  'changedAt', floor(extract(epoch FROM changed_at))::bigint, 'changedBy', changed_by)`;

/** Newest bars first, at most 1,000. */
export async function listRepairs(
  db: Database,
  query: { ticker?: string | undefined; resolution?: NativeResolution | undefined; states?: readonly RepairState[] },
): Promise<RepairCase[]> {
  const { rows } = await answering(() =>
    sql<{ found: RepairCase }>`
      SELECT ${CASE} AS found FROM bar_repairs
      WHERE (${query.ticker ?? null}::text IS NULL OR ticker = ${query.ticker ?? null})
        AND (${query.resolution ?? null}::text IS NULL OR resolution = ${query.resolution ?? null})
        AND (${query.states === undefined ? null : [...query.states]}::text[] IS NULL OR state = ANY (${query.states === undefined ? null : [...query.states]}::text[]))
      ORDER BY time DESC, id DESC LIMIT ${LIMIT}`.execute(db.kysely),
  );
  return rows.map(({ found }) => found);
}

export async function readRepair(db: Database, id: number): Promise<RepairCase | null> {
  const { rows } = await answering(() =>
    sql<{ found: RepairCase }>`SELECT ${CASE} AS found FROM bar_repairs WHERE id = ${id}`.execute(db.kysely),
  );
  return rows[0]?.found ?? null;
}

export class RepairNotStandingError extends Error {
  override readonly name = 'RepairNotStandingError';
}

/**
 * Puts a repaired bar back as it came; of a flagged one says that it is right. The rule then leaves it alone for as long as
 * the source gives these prices.
 *
 * @throws {RepairNotStandingError} when there is nothing (any more) to be undone
 * @throws {DatabaseUnavailableError}
 */
export async function undoRepair(db: Database, id: number): Promise<RepairCase> {
  const found = await readRepair(db, id);
  if (found === null) throw new RepairNotStandingError(`There is no repair ${id}: tapecast repairs list shows them.`);
  const { ticker, resolution } = found;
  await inTransaction(db, async (transaction) => {
    await lockSeries(transaction, [ticker], [resolution]);
    const undone = await sql<{ was: RepairState }>`
      UPDATE bar_repairs r SET state = 'undone', changed_at = now(), changed_by = session_user
      FROM bar_repairs before
      WHERE r.id = ${id} AND before.id = r.id AND r.state = ANY (${[...STANDING]}::text[]) RETURNING before.state AS was`.execute(
      transaction,
    );
    const was = undone.rows[0]?.was;
    if (was === undefined)
      throw new RepairNotStandingError(`Repair ${id} is ${found.state}: only repaired and flagged bars can be undone.`);
    if (was === 'flagged') return;
    const put = await sql`
      UPDATE ${pricesTable(resolution)} p SET open = old_open, high = old_high, low = old_low, close = old_close,
        close_adj = old_close_adj, volume = old_volume
      FROM bar_repairs r
      WHERE r.id = ${id} AND p.ticker = r.ticker AND p.time = r.time
        AND (p.open, p.high, p.low, p.close) = (r.new_open, r.new_high, r.new_low, r.new_close)`.execute(transaction);
    if (put.numAffectedRows === 0n)
      throw new RepairNotStandingError(`The bar of repair ${id} has changed since: there is nothing to put back.`);
  });
  const undone = await readRepair(db, id);
  if (undone === null) throw new Error('A repair has vanished while it was undone.');
  return undone;
}
