/** What ingestors share in the database: the vendor's budget and the lease of the histories. */
import { randomUUID } from 'node:crypto';
import { type Database, openDatabase } from '@tapecast/db/database';
import { holdLease, releaseLease } from '@tapecast/db/lease';
import { takeVendorRequest } from '@tapecast/db/vendor-budget';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let server: TestDatabase;
let db: Database;
beforeAll(async () => {
  server = await createDatabase();
  db = openDatabase({ url: server.asRole('tapecast_ingestor'), applicationName: 'test', maxConnections: 20 });
});
afterAll(async () => {
  await db.close();
  await server.drop();
});

describe('the vendor’s budget', () => {
  it('grants no more than the burst to twenty who ask at once, and tells the others how long to wait', async () => {
    const budget = { vendor: 'slow', perSecond: 0.001, burst: 7, reserve: 0 };
    const answers = await Promise.all(Array.from({ length: 20 }, () => takeVendorRequest(db, budget)));
    expect(answers.filter((wait) => wait === 0)).toHaveLength(7);
    for (const wait of answers.filter((wait) => wait > 0)) expect(wait).toBeGreaterThan(900_000);
  });

  it('fills with time up to the burst, and keeps a reserve for others', async () => {
    const budget = { vendor: 'fast', perSecond: 1, burst: 2, reserve: 1 };
    expect(await takeVendorRequest(db, budget)).toBe(0);
    expect(await takeVendorRequest(db, budget)).toBeGreaterThan(0);
    expect(await takeVendorRequest(db, { ...budget, reserve: 0 })).toBe(0);
    const owner = openDatabase({ url: server.url, applicationName: 'test' });
    await sql`UPDATE vendor_budget SET filled_at = filled_at - interval '1 hour' WHERE vendor = 'fast'`.execute(
      owner.kysely,
    );
    await owner.close();
    const after = await Promise.all([1, 2, 3].map(() => takeVendorRequest(db, { ...budget, reserve: 0 })));
    expect(after.filter((wait) => wait === 0)).toHaveLength(2);
  });
});

describe('a lease', () => {
  it('has one holder, who renews it; another one takes it over when it is given back or has run out', async () => {
    const [one, other] = [randomUUID(), randomUUID()];
    const hold = (holder: string, seconds = 60) => holdLease(db, { name: 'test', holder, seconds });
    expect([await hold(one), await hold(other), await hold(one)]).toEqual([true, false, true]);
    await releaseLease(db, { name: 'test', holder: other });
    expect(await hold(other)).toBe(false);
    await releaseLease(db, { name: 'test', holder: one });
    expect([await hold(other, -1), await hold(one)]).toEqual([true, true]);
  });

  it('goes to one of many who ask at once', async () => {
    const asked = await Promise.all(
      Array.from({ length: 20 }, () => holdLease(db, { name: 'crowd', holder: randomUUID(), seconds: 60 })),
    );
    expect(asked.filter(Boolean)).toHaveLength(1);
  });
});
