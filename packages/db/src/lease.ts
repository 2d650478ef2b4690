/** Work that one replica does for all: who holds its lease. Works through a transaction pooler, where session locks do not. */
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';

/**
 * Takes or renews a lease.
 * @param lease.holder a uuid of this process
 * @returns whether this holder has it for the next `seconds`
 * @throws {DatabaseUnavailableError}
 */
export async function holdLease(
  db: Database,
  lease: { name: string; holder: string; seconds: number },
): Promise<boolean> {
  const { name, holder, seconds } = lease;
  const { rows } = await answering(() =>
    sql`
      INSERT INTO service_leases AS held (name, holder, expires_at)
      VALUES (${name}, ${holder}, clock_timestamp() + make_interval(secs => ${seconds}))
      ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
      WHERE held.holder = excluded.holder OR held.expires_at < clock_timestamp()
      RETURNING name`.execute(db.kysely),
  );
  return rows.length > 0;
}

/** Gives the lease back, so that nobody has to wait until it runs out. */
export async function releaseLease(db: Database, lease: { name: string; holder: string }): Promise<void> {
  await answering(() =>
    sql`UPDATE service_leases SET expires_at = clock_timestamp() - interval '1 second'
        WHERE name = ${lease.name} AND holder = ${lease.holder}`.execute(db.kysely),
  );
}
