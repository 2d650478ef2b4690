/** A database elsewhere: TLS that is verified against a CA file, and a transaction pooler in between. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds } from '@tapecast/contracts/units';
import { readSeries } from '@tapecast/db/bars';
import { openDatabase } from '@tapecast/db/database';
import { ListenUnheardError } from '@tapecast/db/errors';
import { openListener, type Listener } from '@tapecast/db/listen';
import { migrate } from '@tapecast/db/migrate';
import { ensureTickers } from '@tapecast/db/tickers';
import { writeBars } from '@tapecast/db/write-bars';
import { connectQueues } from '@tapecast/queue/queues';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { z } from 'zod';
import { freePort } from '../../apps/local/src/free-port.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { startTlsPostgres, type TlsPostgres } from '../support/tls-postgres.ts';

const AAPL = 'AAPL' as Ticker;
const BAR = {
  time: unixSeconds(1_772_461_800),
  ticker: AAPL,
  open: 1,
  high: 2,
  low: 1,
  close: 1.5,
  closeAdj: null,
  volume: 1,
  source: 'test',
};

interface Heard {
  ready: number;
  hints: unknown[];
  lost: Error[];
}

function listen(url: string): { listener: Listener; heard: Heard } {
  const heard: Heard = { ready: 0, hints: [], lost: [] };
  const listener = openListener({
    url,
    applicationName: 'remote test',
    channels: { tapecast_bars: (hint) => heard.hints.push(hint) },
    onReady: () => (heard.ready += 1),
    onLost: (error) => heard.lost.push(error),
    onMalformed: () => undefined,
  });
  return { listener, heard };
}

/** Writes through one URL, reads through it, and hears of it through the other. */
async function expectToWork(url: string, listenUrl: string): Promise<void> {
  const db = openDatabase({ url, applicationName: 'remote test' });
  const { listener, heard } = listen(listenUrl);
  try {
    await vi.waitFor(() => expect(heard.ready).toBe(1), { timeout: 10_000 });
    await ensureTickers(db, [AAPL]);
    await writeBars(db, '1m', [BAR]);
    expect((await readSeries(db, { ticker: AAPL, resolution: '1m', limit: 1 }))?.bars).toHaveLength(1);
    await vi.waitFor(() => expect(heard.hints).toHaveLength(1), { timeout: 10_000 });
    expect(heard.lost).toEqual([]);
  } finally {
    await listener.close();
    await db.close();
  }
}

describe('sslmode=verify-full with a CA of one’s own', () => {
  let remote: TlsPostgres;

  /** The server's URL under a name, with the certificate of a CA. */
  function tlsUrl(host: string, ca: string, database = 'remote'): string {
    const url = new URL(remote.server.url(database));
    url.hostname = host;
    url.searchParams.set('sslmode', 'verify-full');
    url.searchParams.set('sslrootcert', ca);
    return url.href;
  }

  beforeAll(async () => {
    remote = await startTlsPostgres('localhost');
    const admin = openDatabase({ url: tlsUrl('localhost', remote.ca, 'postgres'), applicationName: 'remote test' });
    await sql`CREATE DATABASE remote`.execute(admin.kysely);
    await admin.close();
  });
  afterAll(() => remote?.stop());

  it('serves migrations, queries and LISTEN, encrypted', async () => {
    const url = tlsUrl('localhost', remote.ca);
    await migrate({ url });
    await expectToWork(url, url);
    const db = openDatabase({ url, applicationName: 'remote test' });
    const { rows } = await sql<{ ssl: boolean }>`SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()`.execute(
      db.kysely,
    );
    await db.close();
    expect(rows).toEqual([{ ssl: true }]);
  });

  it('serves the queue', async () => {
    const queues = connectQueues({ url: tlsUrl('localhost', remote.ca), onError: () => undefined });
    const worked: number[] = [];
    const Job = z.object({ n: z.int() });
    queues.worker('tls', Job, async ({ n }) => worked.push(n));
    await queues.producer('tls', Job).add({ n: 7 }, { jobId: 'one' });
    await vi.waitFor(() => expect(worked).toEqual([7]), { timeout: 10_000 });
    await queues.close();
  });

  it.each([
    ['another CA', () => tlsUrl('localhost', remote.stranger), /certificate/],
    [
      'another name than the certificate’s',
      () => tlsUrl('127.0.0.1', remote.ca),
      /altnames|doesn't contain any IP SANs|127\.0\.0\.1/,
    ],
  ])('refuses %s', async (_what, url, words) => {
    const db = openDatabase({ url: url(), applicationName: 'remote test' });
    await expect(sql`SELECT 1`.execute(db.kysely)).rejects.toThrow(words);
    await db.close();
    await expect(migrate({ url: url() })).rejects.toThrow(words);
  });
});

describe('PgBouncer in transaction mode', () => {
  let folder: string;
  let database: TestDatabase;
  let bouncer: ServerProcess;
  let pooled: string;

  beforeAll(async () => {
    database = await createDatabase();
    folder = mkdtempSync(join(tmpdir(), 'tapecast-pooler-'));
    chmodSync(folder, 0o755);
    const direct = new URL(database.url);
    const port = await freePort();
    const login = `user=${direct.username} password=${decodeURIComponent(direct.password)}`;
    writeFileSync(
      join(folder, 'pgbouncer.ini'),
      `[databases]\n* = host=127.0.0.1 port=${direct.port} ${login}\n[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = ${port}\n` +
        'auth_type = any\npool_mode = transaction\nunix_socket_dir =\nignore_startup_parameters = statement_timeout\n',
    );
    const asUser = process.getuid?.() === 0 ? ['-u', 'postgres'] : [];
    bouncer = await startServerProcess('pgbouncer', [...asUser, join(folder, 'pgbouncer.ini')], /process up/);
    pooled = Object.assign(new URL(database.url), { port: String(port) }).href;
  });
  afterAll(async () => {
    await bouncer?.end('SIGINT');
    await database?.drop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('serves queries, with LISTEN on the direct URL', () => expectToWork(pooled, database.url));

  it('is named as the reason when LISTEN goes through it', async () => {
    const { listener, heard } = listen(pooled);
    await vi.waitFor(() => expect(heard.lost[0]).toBeInstanceOf(ListenUnheardError), { timeout: 10_000 });
    expect(heard.lost[0]?.message).toMatch(/DATABASE_LISTEN_URL/);
    expect(heard.ready).toBe(0);
    await listener.close();
  });
});
