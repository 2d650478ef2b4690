/** Work that one program at a time shall do: it runs while this one holds the lease. */
import { randomUUID } from 'node:crypto';
import { type Database } from '@tapecast/db/database';
import { holdLease, releaseLease } from '@tapecast/db/lease';
import { type Clock } from './clock.ts';

const LEASE_SECONDS = 15;
const RENEW_MS = 5_000;

/** Somebody else is at it, or took it over while this program was cut off from the database. */
export class LeaseHeldError extends Error {
  override readonly name = 'LeaseHeldError';
}

/**
 * @param work ends when its signal is aborted
 * @throws {LeaseHeldError} and whatever `work` throws
 */
export async function whileHolding<T>(
  { db, name, clock }: { db: Database; name: string; clock: Clock },
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const lease = { name, holder: randomUUID() };
  const taken = await holdLease(db, { ...lease, seconds: LEASE_SECONDS });
  if (!taken) throw new LeaseHeldError(`Another program holds the lease "${name}": wait until it has ended.`);
  const lost = new AbortController();
  const done = new AbortController();
  const renewing = renew();
  try {
    return await work(AbortSignal.any([signal, lost.signal]));
  } finally {
    done.abort();
    await renewing;
    await releaseLease(db, lease).catch(() => undefined); // it runs out by itself
  }

  async function renew(): Promise<void> {
    while (!done.signal.aborted) {
      await clock.sleep(RENEW_MS, done.signal).catch(() => undefined);
      if (done.signal.aborted) return;
      // Without the database nobody can take the lease.
      const held = await holdLease(db, { ...lease, seconds: LEASE_SECONDS }).catch(() => true);
      if (!held) lost.abort(new LeaseHeldError(`The lease "${name}" was lost to another program.`));
    }
  }
}
