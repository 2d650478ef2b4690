/** Work that one of several ingestors does for all: whoever holds the lease does it until the lease is somebody else's. */
import { randomUUID } from 'node:crypto';
import { type Database } from '@tapecast/db/database';
import { holdLease, releaseLease } from '@tapecast/db/lease';
import { type Clock } from '@tapecast/ingest/clock';

const LEASE_SECONDS = 15;
const RENEW_MS = 5_000;

export interface LeadershipOptions {
  db: Database;
  name: string;
  clock: Clock;
  /** Runs until its signal is aborted; may be run again later. */
  work(signal: AbortSignal): Promise<void>;
  onChange(leads: boolean): void;
}

export async function runLeadership(options: LeadershipOptions, signal: AbortSignal): Promise<void> {
  const { db, name, clock } = options;
  const holder = randomUUID();
  let leading: { stop: AbortController; done: Promise<void> } | undefined;
  const end = async () => {
    leading?.stop.abort();
    await leading?.done;
    if (leading !== undefined) options.onChange(false);
    leading = undefined;
  };
  try {
    while (!signal.aborted) {
      // Without the database nobody can take the lease, nor can anything be written: as it was until it is back.
      const held = await holdLease(db, { name, holder, seconds: LEASE_SECONDS }).catch(() => leading !== undefined);
      if (held && leading === undefined) {
        const stop = new AbortController();
        leading = { stop, done: options.work(AbortSignal.any([signal, stop.signal])) };
        // A failure must end the ingestor now, not when the lease is renewed next.
        leading.done.catch(() => undefined);
        options.onChange(true);
      } else if (!held) await end();
      await Promise.race([clock.sleep(RENEW_MS, signal), ...(leading === undefined ? [] : [failureOf(leading.done)])]);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    await end();
    await releaseLease(db, { name, holder }).catch(() => undefined);
  }
}

/** Never resolves: only its failure counts. */
function failureOf(work: Promise<void>): Promise<never> {
  return new Promise((_resolve, reject) => work.catch(reject));
}
