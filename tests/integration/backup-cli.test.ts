/** Backups as a person makes them, and whatever moment their programs are killed at. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listArchives } from '@tapecast/backup/archives';
import { verifyBackup } from '@tapecast/backup/verify-backup';
import { databaseNamed, dropDatabase } from '@tapecast/db/archive/databases';
import { openDatabase } from '@tapecast/db/database';
import { assertSchema } from '@tapecast/db/migrate';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { content, createPlace, fill, query } from './backup-world.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'apps', 'cli', 'src', 'main.ts');
let source: TestDatabase;
let place: Awaited<ReturnType<typeof createPlace>>;

beforeAll(async () => {
  source = await createDatabase();
  place = await createPlace();
  await fill(source.url, 15_000);
});
afterAll(async () => {
  await source.drop();
  await place.remove();
});

function start(args: string[], env: Record<string, string> = {}) {
  const { PATH = '', HOME = '' } = process.env;
  return spawn(process.execPath, [MAIN, ...args], {
    env: { PATH, HOME, DATABASE_URL: source.url, BACKUP_TARGET: place.folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

async function tapecast(args: string[], env: Record<string, string> = {}) {
  const child = start(args, env);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

it('makes, lists, verifies, tries, restores and removes backups', async () => {
  const made = await tapecast(['backup', '--json']);
  expect(made).toMatchObject({ code: 0, stderr: '' });
  const { name } = JSON.parse(made.stdout) as { name: string };
  expect(JSON.parse(made.stdout)).toMatchObject({ database: source.name, prices: 'simulated', place: place.folder });

  expect(await tapecast(['backup', 'list'])).toMatchObject({ code: 0, stdout: expect.stringContaining(name) });
  expect(await tapecast(['backup', 'verify', join(place.folder, name)])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('files are as they were written'),
  });
  expect(await tapecast(['restore', '--drill'])).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('are equal'),
  });

  const refused = await tapecast(['restore', place.folder]);
  expect(refused).toMatchObject({ code: 3, stderr: expect.stringMatching(/is not empty.*--into NAME.*--swap/) });
  const into = `${source.name}_restored`;
  const restored = await tapecast(['restore', place.folder, '--into', into, '--json']);
  expect(restored.code).toBe(0);
  try {
    expect(await content(databaseNamed(source.url, into))).toEqual(await content(source.url));
  } finally {
    await dropDatabase(source.url, into);
  }
  const would = await tapecast(['backup', 'prune', '--keep', 'last:0', '--dry-run', '--json']);
  expect(JSON.parse(would.stdout)).toEqual({ kept: [name], removed: [], dryRun: true });
  expect(await tapecast(['backup', 'prune', '--keep', 'often'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('daily:7'),
  });
}, 300_000);

it('pg_dump is refused where it is missing or older than the server, with words', async () => {
  const folder = join(place.folder, 'programs');
  await mkdir(folder);
  const without = await tapecast(['backup', '--pg-dump'], { PATH: folder });
  expect(without).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/pg_dump is not installed.*leave out --pg-dump/),
  });
  await writeFile(join(folder, 'pg_dump'), '#!/bin/sh\necho "pg_dump (PostgreSQL) 14.9"\n');
  await chmod(join(folder, 'pg_dump'), 0o755);
  const old = await tapecast(['backup', '--pg-dump'], { PATH: folder });
  expect(old).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/pg_dump 14.9 cannot read a server of version \d+/),
  });
});

it('kill -9 while a backup is made: what is there is whole, or is none', async () => {
  for (let round = 0; round < 3; round += 1) {
    const seen = new Set(await readdir(place.folder));
    const victim = start(['backup']);
    const dead = once(victim, 'exit');
    const written = async (): Promise<number> => {
      const fresh = (await readdir(place.folder)).find((name) => !seen.has(name));
      return fresh === undefined ? 0 : (await readdir(join(place.folder, fresh))).length;
    };
    // At its first file, in the middle, and late.
    await vi.waitFor(async () => expect(await written()).toBeGreaterThan(round * 6), { timeout: 90_000, interval: 2 });
    victim.kill('SIGKILL');
    await dead;
  }
  const { archives, damaged } = await listArchives(place.storage);
  expect(damaged).toEqual([]);
  for (const archive of archives) expect((await verifyBackup(place.storage, archive)).faults).toEqual([]);
}, 300_000);

it('kill -9 while one is restored: no service takes the half, and the same command finishes it', async () => {
  const moments = [
    `SELECT FROM pg_tables WHERE tablename = 'unfinished_restore'`,
    `SELECT FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'COPY "public"."stock_prices_1m"%' AND state = 'active'`,
  ];
  for (const moment of moments) {
    const target = await createDatabase({ empty: true });
    const restore = ['restore', join(place.folder, (await listArchives(place.storage)).archives.at(-1)?.name ?? '')];
    const env = { DATABASE_URL: target.url };
    const victim = start(restore, env);
    let over = false;
    const dead = once(victim, 'exit').then(() => (over = true));
    await vi.waitFor(async () => expect(over || (await query(target.url, moment)).length > 0).toBe(true), {
      timeout: 60_000,
      interval: 5,
    });
    victim.kill('SIGKILL');
    await dead;
    const db = openDatabase({ url: target.url, applicationName: 'test' });
    await expect(assertSchema(db))
      .rejects.toThrow()
      .finally(() => db.close());
    const rows = `SELECT count(*)::integer AS n FROM stock_prices_1m`;
    expect(await query(target.url, rows).catch(() => 'no table yet')).toSatisfy(
      (found: unknown) => found === 'no table yet' || JSON.stringify(found) === '[{"n":0}]',
    );
    // What the dead one has begun on the server ends there in a moment.
    await vi.waitFor(
      async () => {
        const again = await tapecast(restore, env);
        expect(again.stderr).not.toMatch(/under way/);
        expect(again.code).toBe(0);
      },
      { timeout: 90_000, interval: 500 },
    );
    expect(await content(target.url)).toEqual(await content(source.url));
    await target.drop();
  }
}, 300_000);
