/** From any supported server to any other: PostgreSQL 18 to 15 and back, plain to TimescaleDB and back. */
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeBackup } from '@tapecast/backup/make-backup';
import { restoreBackup } from '@tapecast/backup/restore-backup';
import { verifyBackup } from '@tapecast/backup/verify-backup';
import { databaseNamed, dropDatabase } from '@tapecast/db/archive/databases';
import { migrate } from '@tapecast/db/migrate';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { freePort } from '../../apps/local/src/free-port.ts';
import { postgresUser } from '../../apps/local/src/os-user.ts';
import { createDatabase } from '../support/postgres.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { content, createPlace, fill, query } from './backup-world.ts';
import { createTimescaleDatabase } from './conformance-servers.ts';

const OLDEST = '/usr/lib/postgresql/15/bin';
const timescaleUrl = process.env['TEST_TIMESCALE_URL'];
let place: Awaited<ReturnType<typeof createPlace>>;
beforeAll(async () => {
  place = await createPlace();
});
afterAll(() => place.remove());

describe.skipIf(!existsSync(join(OLDEST, 'initdb')))('PostgreSQL 15', () => {
  let folder: string;
  let server: ServerProcess;
  let url: string;

  beforeAll(async () => {
    const user = await postgresUser();
    folder = mkdtempSync(join(tmpdir(), 'tapecast-pg15-'));
    chmodSync(folder, 0o755);
    const data = join(folder, 'data');
    mkdirSync(data);
    if (user !== null) chownSync(data, user.uid, user.gid);
    const as = user ?? {};
    execFileSync(join(OLDEST, 'initdb'), ['-D', data, '-U', 'tester', '-A', 'trust', '--encoding=UTF8', '--locale=C'], {
      ...as,
      cwd: data,
      stdio: 'pipe',
    });
    const port = await freePort('127.0.0.1');
    const settings = { port, listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off' };
    server = await startServerProcess(
      join(OLDEST, 'postgres'),
      ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
      /ready to accept connections/,
      process.env,
      as,
    );
    url = `postgres://tester@127.0.0.1:${port}/prices`;
  });
  afterAll(async () => {
    await server?.end('SIGINT');
    rmSync(folder, { recursive: true, force: true });
  });

  it('takes a backup of the newest, and gives it back', async () => {
    const [source, back] = [await createDatabase(), await createDatabase({ empty: true })];
    try {
      await fill(source.url);
      const archive = await makeBackup({ url: source.url, storage: place.storage });
      await restoreBackup({ ...place, archive, url, compare: true });
      expect(await query(url, `SELECT current_setting('server_version_num')::integer / 10000 AS major`)).toEqual([
        { major: 15 },
      ]);
      expect(await content(url)).toEqual(await content(source.url));
      // This server is no newer than its own pg_dump.
      const { PATH = '' } = process.env;
      process.env['PATH'] = `${OLDEST}:${PATH}`;
      const there = await makeBackup({ url, storage: place.storage, pgDump: true }).finally(
        () => (process.env['PATH'] = PATH),
      );
      expect(there.manifest.pgDump?.version).toMatch(/^15\./);
      expect((await verifyBackup(place.storage, there)).faults).toEqual([]);
      const list = execFileSync(join(OLDEST, 'pg_restore'), [
        '--list',
        join(place.folder, there.name, there.manifest.pgDump?.file ?? ''),
      ]);
      expect(list.toString()).toContain('TABLE DATA public stock_prices_1m');
      await restoreBackup({ ...place, archive: there, url: back.url, compare: true });
      expect(await content(back.url)).toEqual(await content(source.url));
    } finally {
      await source.drop();
      await back.drop();
    }
  }, 180_000);
});

describe.skipIf(timescaleUrl === undefined)('a real TimescaleDB', () => {
  it('takes a plain backup into hypertables, and gives compressed chunks back to a plain database', async () => {
    const admin = timescaleUrl ?? '';
    const [source, back] = [await createDatabase(), await createDatabase({ empty: true })];
    const there = await createTimescaleDatabase(admin);
    const again = await createTimescaleDatabase(admin);
    try {
      await fill(source.url);
      const plain = await makeBackup({ url: source.url, storage: place.storage });
      const restored = await restoreBackup({ ...place, archive: plain, url: there.url, compare: true });
      expect(restored.timescale).toMatch(/^2\./);
      expect(await content(there.url)).toEqual(await content(source.url));
      const tables = `SELECT count(*)::integer AS n FROM timescaledb_information.hypertables WHERE hypertable_name LIKE 'stock\\_prices%'`;
      expect(await query(there.url, tables)).toEqual([{ n: 3 }]);

      await query(there.url, `SELECT compress_chunk(c) FROM show_chunks('stock_prices_1m') c`);
      await query(there.url, `SELECT set_price_retention('1m', '5000 days')`);
      const archive = await makeBackup({ url: there.url, storage: place.storage });
      expect(archive.manifest.retention).toEqual({ '1m': expect.stringContaining('5000 days') });
      expect(archive.manifest.server.timescale).toMatch(/^2\./);
      await restoreBackup({ ...place, archive, url: back.url, compare: true });
      expect(await content(back.url)).toEqual(await content(source.url));
      await restoreBackup({ ...place, archive, url: again.url, compare: true });
      expect(await content(again.url)).toEqual(await content(source.url));
      const policy = `SELECT config ->> 'drop_after' AS keep FROM timescaledb_information.jobs WHERE proc_name = 'policy_retention'`;
      expect(await query(again.url, policy)).toEqual([{ keep: archive.manifest.retention['1m'] }]);
    } finally {
      await source.drop();
      await back.drop();
      await there.drop();
      await again.drop();
    }
  }, 300_000);
});

it('a database without our schema is no source', async () => {
  const empty = await createDatabase({ empty: true });
  const name = `${empty.name}_fresh`;
  try {
    await expect(makeBackup({ url: empty.url, storage: place.storage })).rejects.toThrow(
      /does not hold Tapecast's schema/,
    );
    // And a target that is not there yet is made.
    await migrate({ url: empty.url });
    const archive = await makeBackup({ url: empty.url, storage: place.storage });
    await restoreBackup({ ...place, archive, url: databaseNamed(empty.url, name) });
    expect(await content(databaseNamed(empty.url, name))).toEqual(await content(empty.url));
  } finally {
    await dropDatabase(empty.url, name);
    await empty.drop();
  }
}, 120_000);
