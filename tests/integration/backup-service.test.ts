/** The service: a backup at its start where one is due, a drill, metrics, and no silence when something fails. */
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listArchives, newestArchive } from '@tapecast/backup/archives';
import { createLogger } from '@tapecast/runtime/logger';
import { type RunningService } from '@tapecast/runtime/service';
import { Registry } from 'prom-client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { startBackupService } from '../../apps/backup/src/backup-service.ts';
import { loadSettings } from '../../apps/backup/src/settings.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { createPlace, fill, query } from './backup-world.ts';

let database: TestDatabase;
let place: Awaited<ReturnType<typeof createPlace>>;
const running: RunningService[] = [];
beforeEach(async () => {
  database = await createDatabase();
  place = await createPlace();
});
afterEach(async () => {
  for (const service of running.splice(0)) await service.stop();
  await database.drop();
  await place.remove();
});

async function start(env: Record<string, string> = {}) {
  const registry = new Registry();
  const settings = loadSettings({ DATABASE_URL: database.url, BACKUP_TARGET: place.folder, ...env });
  const logger = createLogger({ service: 'backup', level: 'silent' });
  const service = await startBackupService(settings, { logger, registry, signal: new AbortController().signal });
  running.push(service);
  const metric = async (name: string): Promise<number> => {
    const found = await registry.getSingleMetric(`tapecast_backup_${name}`)?.get();
    return found?.values.reduce((sum, { value }) => sum + value, 0) ?? Number.NaN;
  };
  return { service, metric };
}

it('makes the backup that is due, tries it, and leaves the next one to its time', async () => {
  await fill(database.url, 100);
  const { service, metric } = await start({ BACKUP_DRILL_EVERY: '7d' });
  await vi.waitFor(async () => expect(await metric('last_drill_success')).toBe(1), { timeout: 60_000 });
  const archive = await newestArchive(place.storage, database.name);
  expect(await metric('last_success_timestamp_seconds')).toBe(archive.madeAt.getTime() / 1_000);
  expect(await metric('last_attempt_success')).toBe(1);
  expect(await metric('last_size_bytes')).toBeGreaterThan(1_000);
  expect(await metric('archives')).toBe(1);
  expect(service.ready()).toEqual([]);
  expect(
    await query(database.url, `SELECT FROM pg_database WHERE starts_with(datname, current_database() || '_drill_')`),
  ).toEqual([]);

  // A restart finds it and makes no other.
  const again = await start();
  await vi.waitFor(async () => expect(await again.metric('archives')).toBe(1), { timeout: 20_000 });
  await vi.waitFor(() => expect(again.service.ready()).toEqual([]), { timeout: 20_000 });
  expect((await listArchives(place.storage)).archives).toHaveLength(1);
  expect(await again.metric('last_success_timestamp_seconds')).toBe(archive.madeAt.getTime() / 1_000);
}, 120_000);

it('is not ready, and says why, while no backup can be made', async () => {
  await rm(place.folder, { recursive: true });
  await writeFile(place.folder, 'a file where the folder should be');
  const { service, metric } = await start();
  await vi.waitFor(() => expect(service.ready().join()).toMatch(/ENOTDIR|not a directory/), { timeout: 30_000 });
  expect(await metric('last_success_timestamp_seconds')).toBe(0);
}, 60_000);

it('lists every wrong setting by its name', () => {
  const wrong = {
    BACKUP_EVERY: 'daily',
    BACKUP_AT: '25:00',
    BACKUP_KEEP: 'all',
    BACKUP_TARGET: join(place.folder, 'x'),
  };
  for (const name of ['BACKUP_EVERY', 'BACKUP_AT', 'BACKUP_KEEP']) {
    expect(() => loadSettings(wrong)).toThrow(name);
  }
  expect(() => loadSettings({ DATABASE_URL: database.url })).toThrow(/BACKUP_TARGET/);
});
