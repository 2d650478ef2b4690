/** A database whose machine vanished says nothing: its connections must not stay in the pool. */
import { sql } from 'kysely';
import { expect, it } from 'vitest';
import { answering, openDatabase } from '@tapecast/db/database';
import { DatabaseUnavailableError } from '@tapecast/db/errors';
import { createDatabase } from '../support/postgres.ts';
import { startTcpProxy } from './tcp-proxy.ts';

it('a query that nobody answered takes its connection with it, and the next one gets another', async () => {
  const database = await createDatabase();
  const url = new URL(database.url);
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  const db = openDatabase({ url: url.href, applicationName: 'test', maxConnections: 1, queryTimeoutMs: 1_000 });
  const ask = () => answering(() => sql<{ one: number }>`SELECT 1 AS one`.execute(db.kysely));
  try {
    expect((await ask()).rows).toEqual([{ one: 1 }]);
    proxy.forgetConnections();
    await expect(ask()).rejects.toThrow(DatabaseUnavailableError);
    expect((await ask()).rows).toEqual([{ one: 1 }]);
  } finally {
    await db.close();
    await proxy.close();
    await database.drop();
  }
});
