/** Backups by what they are for: everything comes back, from any moment and onto any server, or the restore says why not. */
import { cp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Archive, listArchives, newestArchive, openArchive, pruneArchives } from '@tapecast/backup/archives';
import { compareRows } from '@tapecast/backup/compare-rows';
import { drillRestore } from '@tapecast/backup/drill';
import { makeBackup } from '@tapecast/backup/make-backup';
import { writeManifest } from '@tapecast/backup/manifest';
import { restoreBackup, restoreInPlace } from '@tapecast/backup/restore-backup';
import { verifyBackup } from '@tapecast/backup/verify-backup';
import { databaseExists, databaseNamed, dropDatabase } from '@tapecast/db/archive/databases';
import { openDatabase } from '@tapecast/db/database';
import { assertSchema, migrateExactly } from '@tapecast/db/migrate';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { content, createPlace, fill, query } from './backup-world.ts';

// Each restores whole databases, by programs of their own: on a busy machine that takes its time.
vi.setConfig({ testTimeout: 120_000 });

let source: TestDatabase;
let place: Awaited<ReturnType<typeof createPlace>>;
let archive: Archive;
const made: TestDatabase[] = [];

beforeAll(async () => {
  source = await createDatabase();
  place = await createPlace();
  await fill(source.url);
  archive = await makeBackup({ url: source.url, storage: place.storage });
});
afterAll(async () => {
  for (const database of made) await database.drop();
  await source.drop();
  await place.remove();
});

async function emptyDatabase(): Promise<TestDatabase> {
  const database = await createDatabase({ empty: true });
  made.push(database);
  return database;
}

it('brings every row of every table back, with sequences and a new epoch', async () => {
  const target = await emptyDatabase();
  const restored = await restoreBackup({ ...place, archive, url: target.url, compare: true });
  expect(restored).toMatchObject({ database: target.name, compared: true, tables: archive.manifest.tables.length });
  const [before, after] = [await content(source.url), await content(target.url)];
  expect(after).toEqual(before);
  for (const table of [
    'stock_prices_1m',
    'stock_prices_1h',
    'stock_prices_1d',
    'stock_forecasts',
    'forecast_scores',
    'series',
  ]) {
    expect(before[`public.${table}`]).not.toMatch(/^0 /);
  }
  expect(Object.keys(after)).toContain('imports.Odd name; --');

  const epoch = `SELECT current_epoch() AS epoch`;
  const [[old], [fresh]] = [await query(source.url, epoch), await query(target.url, epoch)];
  expect(fresh).not.toEqual(old);
  expect(fresh?.['epoch']).toBe(restored.epoch);
  // The number that was given out and deleted is not given out again.
  await expect(
    query(target.url, `INSERT INTO ingest_runs (source, target, started_by) VALUES ('x', 'y', 'z') RETURNING id`),
  ).resolves.toEqual([{ id: '8' }]);
  // Triggers are in force again, and so are the rights of the services.
  const [head] = await query<{ revision: string }>(
    target.url,
    `SELECT revision FROM series WHERE ticker = 'MSFT' AND resolution = '1d'`,
  );
  await query(target.url, `UPDATE stock_prices_1d SET close = 10.5 WHERE time = '2015-01-06Z'`);
  const [raised] = await query<{ revision: string }>(
    target.url,
    `SELECT revision FROM series WHERE ticker = 'MSFT' AND resolution = '1d'`,
  );
  expect(Number(raised?.revision)).toBe(Number(head?.revision) + 1);
  const web = openDatabase({ url: target.asRole('tapecast_web'), applicationName: 'test' });
  try {
    await assertSchema(web);
    await expect(web.pool.query('SELECT FROM imports."Odd name; --"')).resolves.toMatchObject({ rowCount: 2 });
  } finally {
    await web.close();
  }
  // What differs is named.
  await expect(compareRows(target.url, archive.manifest)).rejects.toThrow(
    /ingest_runs has 7 of 6 rows.*stock_prices_1d has other values/,
  );
  // Once more into the same database: it is not empty now.
  await expect(restoreBackup({ ...place, archive, url: target.url })).rejects.toThrow(/not empty.*--into/);
  expect((await content(target.url))['public.stock_forecasts']).toEqual(before['public.stock_forecasts']);
});

it('is of one moment while writers write: revisions are what the bars say', async () => {
  const busy = await createDatabase();
  const target = await emptyDatabase();
  const stop = new AbortController();
  const ticks = "SELECT revision::integer AS n FROM series WHERE resolution = '1m' ORDER BY ticker";
  try {
    await query(
      busy.url,
      `INSERT INTO stock_prices_1m SELECT timestamptz '2026-01-05' + n * interval '1 minute', t, 1, 1e6, 1, 1, NULL, 1, 'test'
         FROM generate_series(1, 500) n, unnest(ARRAY['A', 'B']) t`,
    );
    // Each transaction changes all bars of both tickers: revision and closes rise together.
    const writer = (async () => {
      while (!stop.signal.aborted) await query(busy.url, 'UPDATE stock_prices_1m SET close = close + 1');
    })();
    const revision = async (): Promise<number> => (await query<{ n: number }>(busy.url, ticks))[0]?.n ?? 0;
    const { storage } = place;
    const waits: string[] = [];
    const slow = {
      ...storage,
      write: async (path: string, from: Parameters<typeof storage.write>[1]) => {
        await storage.write(path, from);
        // Between the tables that hold revisions and those that hold bars others must have written.
        if (!/series/.test(path)) return;
        const before = await revision();
        await vi.waitFor(async () => expect(await revision()).toBeGreaterThan(before + 2), { timeout: 20_000 });
        waits.push(path);
      },
    };
    const moment = await makeBackup({ url: busy.url, storage: slow });
    stop.abort();
    await writer;
    expect(waits).toHaveLength(2);
    await restoreBackup({ storage, archive: moment, url: target.url });
    const rows = await query<{ ticker: string; revision: number; low: number; high: number }>(
      target.url,
      `SELECT ticker, revision::integer, min(close) AS low, max(close) AS high FROM series JOIN stock_prices_1m USING (ticker)
       GROUP BY 1, 2 ORDER BY 1`,
    );
    expect(rows.map(({ ticker }) => ticker)).toEqual(['A', 'B']);
    for (const { revision: head, low, high } of rows) expect([low, high]).toEqual([head, head]);
    expect(await revision()).toBeGreaterThan(rows[0]?.revision ?? Infinity);
  } finally {
    stop.abort();
    await busy.drop();
  }
});

describe('an archive that is not what was written', () => {
  const copied = async (name: string): Promise<Archive> => {
    await cp(join(place.folder, archive.name), join(place.folder, name), { recursive: true });
    return openArchive(place.storage, name);
  };
  const flip = async (path: string, where: number): Promise<void> => {
    const bytes = await readFile(path);
    const at = Math.floor(bytes.length * where);
    bytes[at] = (bytes[at] ?? 0) ^ 1;
    await writeFile(path, bytes);
  };
  const refused = async (bad: Archive, message: RegExp): Promise<void> => {
    const target = await emptyDatabase();
    await expect(restoreBackup({ ...place, archive: bad, url: target.url })).rejects.toThrow(message);
    // What is left is no database that a service would take, and it holds no row.
    const db = openDatabase({ url: target.url, applicationName: 'test' });
    await expect(assertSchema(db))
      .rejects.toThrow(/restore/)
      .finally(() => db.close());
    expect(await query(target.url, 'SELECT FROM stock_prices_1m LIMIT 1')).toEqual([]);
  };

  it.each([0.001, 0.5, 0.999])('a flipped byte at %d of a table is named', async (where) => {
    const bad = await copied(`test-20200101T000000Z-${String(where * 1_000).padStart(6, '0')}`);
    const file = 'public.stock_forecasts.copy.gz';
    await flip(join(place.folder, bad.name, file), where);
    const { faults } = await verifyBackup(place.storage, bad);
    expect(faults).toHaveLength(1);
    expect(faults[0]).toContain(`${bad.name}/${file} is damaged`);
    await refused(bad, new RegExp(`${file} is damaged`));
    await rm(join(place.folder, bad.name), { recursive: true });
  });

  it('a file cut short, a missing file and a changed manifest are named', async () => {
    const name = 'test-20200101T000000Z-cccccc';
    const bad = await copied(name);
    await truncate(join(place.folder, name, 'public.series.copy.gz'), 30);
    await rm(join(place.folder, name, 'imports.no_rows.copy.gz'));
    const { faults } = await verifyBackup(place.storage, bad);
    expect(faults.toSorted()).toEqual([
      expect.stringMatching(/no_rows.copy.gz cannot be read/),
      expect.stringMatching(/public.series.copy.gz is damaged: it has 30 bytes/),
    ]);
    const manifest = join(place.folder, name, 'manifest.json');
    await writeFile(manifest, (await readFile(manifest, 'utf8')).replace(/"rows": \d+/, '"rows": 99'));
    await expect(openArchive(place.storage, name)).rejects.toThrow(/manifest.json is damaged: its checksum/);
    expect((await listArchives(place.storage)).damaged.map((one) => one.name)).toEqual([name]);
    await rm(join(place.folder, name), { recursive: true });
  });

  it('without a manifest is none: never the newest, and removed after a day', async () => {
    const name = 'test-20990101T000000Z-dddddd';
    await copied(name);
    await rm(join(place.folder, name, 'manifest.json'));
    expect((await listArchives(place.storage)).unfinished.map((one) => one.name)).toEqual([name]);
    expect((await newestArchive(place.storage, source.name)).name).toBe(archive.name);
    const keep = { last: 100 };
    expect((await pruneArchives(place.storage, keep)).removed).toEqual([]);
    const tomorrow = new Date(Date.now() + 25 * 3_600_000);
    expect((await pruneArchives(place.storage, keep, { now: tomorrow })).removed).toEqual([name]);
    expect(await readdir(place.folder)).not.toContain(name);
  });
});

it('an archive of a newer schema is refused, and the target stays empty', async () => {
  const target = await emptyDatabase();
  const { manifest } = archive;
  const text = writeManifest({
    ...manifest,
    migrations: { ...manifest.migrations, core: [...manifest.migrations.core, '20991231000000'] },
  });
  const name = 'test-20200101T000000Z-eeeeee';
  await cp(join(place.folder, archive.name), join(place.folder, name), { recursive: true });
  await writeFile(join(place.folder, name, 'manifest.json'), text);
  const newer = await openArchive(place.storage, name);
  await expect(restoreBackup({ ...place, archive: newer, url: target.url })).rejects.toThrow(
    /20991231000000.*newer one/s,
  );
  expect(await query(target.url, `SELECT FROM pg_tables WHERE schemaname = 'public'`)).toEqual([]);
  await rm(join(place.folder, name), { recursive: true });
});

it('an archive of an older schema is loaded into that schema and then migrated', async () => {
  const [older, target] = [await emptyDatabase(), await emptyDatabase()];
  const versions = archive.manifest.migrations.core.filter((version) => version < '20261121090001');
  await migrateExactly({ url: older.url, versions });
  await query(older.url, `INSERT INTO stock_tickers (ticker) VALUES ('OLD')`);
  const old = await makeBackup({ url: older.url, storage: place.storage });
  expect(old.manifest.migrations.core).toEqual(versions);
  await restoreBackup({ ...place, archive: old, url: target.url, compare: true });
  expect(await query(target.url, 'SELECT ticker FROM stock_tickers')).toEqual([{ ticker: 'OLD' }]);
  const db = openDatabase({ url: target.url, applicationName: 'test' });
  await assertSchema(db).finally(() => db.close());
});

it('a drill compares every row and leaves nothing behind, nor does one that was killed before', async () => {
  await query(source.url, `CREATE DATABASE ${source.name}_drill_killed`);
  await expect(drillRestore({ ...place, archive, url: source.url })).resolves.toMatchObject({ compared: true });
  expect(
    await query(
      source.url,
      `SELECT datname FROM pg_database WHERE starts_with(datname, current_database() || '_drill_')`,
    ),
  ).toEqual([]);
});

it('in place: the old database stays under another name', async () => {
  const used = await createDatabase();
  const url = used.url;
  await query(url, `INSERT INTO stock_tickers (ticker) VALUES ('LATER')`);
  const { aside, database } = await restoreInPlace({ ...place, archive, url });
  expect(database).toBe(used.name);
  expect(await query(url, `SELECT ticker FROM stock_tickers ORDER BY 1`)).toEqual([
    { ticker: 'BTC-USD' },
    { ticker: 'MSFT' },
  ]);
  expect(await query(databaseNamed(url, aside), `SELECT ticker FROM stock_tickers`)).toEqual([{ ticker: 'LATER' }]);
  await dropDatabase(url, aside);
  await used.drop();
  expect(await databaseExists(url)).toBe(false);
});
