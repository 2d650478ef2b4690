/** The vendor's request budget that all ingestors share: a token bucket in one row. */
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';

export interface VendorBudget {
  vendor: string;
  perSecond: number;
  /** Requests that may go out at once after a rest. */
  burst: number;
  /** Requests to leave in the bucket for others. */
  reserve: number;
}

/**
 * Takes one request out of the bucket.
 * @returns 0 when it may be sent now, else the milliseconds to wait before asking again
 * @throws {DatabaseUnavailableError}
 */
export async function takeVendorRequest(db: Database, budget: VendorBudget): Promise<number> {
  const { vendor, perSecond, burst, reserve } = budget;
  const { rows } = await answering(() =>
    sql<{ seconds: number }>`
      SELECT take_vendor_request(${vendor}, ${perSecond}::float8, ${burst}::float8, ${reserve}::float8) AS seconds
    `.execute(db.kysely),
  );
  return Math.ceil((rows[0]?.seconds ?? 0) * 1_000);
}
