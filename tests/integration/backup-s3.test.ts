/** Archives in object storage: the same as in a folder, over HTTP and with signatures. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { listArchives, newestArchive, pruneArchives } from '@tapecast/backup/archives';
import { findArchive } from '@tapecast/backup/find-archive';
import { makeBackup } from '@tapecast/backup/make-backup';
import { restoreBackup } from '@tapecast/backup/restore-backup';
import { openStorage } from '@tapecast/backup/storage/open-storage';
import { verifyBackup } from '@tapecast/backup/verify-backup';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase } from '../support/postgres.ts';
import { content, fill } from './backup-world.ts';
import { type S3Server, startS3 } from './s3-server.ts';

const KEYS = { accessKey: 'test-key', secretKey: 'a/secret+key', region: 'eu-test-1' };
let server: S3Server;
beforeAll(async () => {
  server = await startS3(KEYS, ['backups']);
});
afterAll(() => server.close());

const settings = (changes: object = {}) => ({
  S3_ENDPOINT: server.endpoint,
  S3_REGION: KEYS.region,
  S3_ACCESS_KEY_ID: KEYS.accessKey,
  S3_SECRET_ACCESS_KEY: KEYS.secretKey,
  ...changes,
});

it('a backup goes there and comes back, row for row', async () => {
  const [source, target] = [await createDatabase(), await createDatabase({ empty: true })];
  try {
    await fill(source.url);
    const storage = openStorage('s3://backups/some/where', settings());
    const made = await makeBackup({ url: source.url, storage });
    expect([...server.objects.keys()].every((key) => key.startsWith(`backups/some/where/${made.name}/`))).toBe(true);
    const found = await findArchive('s3://backups/some/where/', settings());
    expect(found.archive).toEqual(made);
    expect((await findArchive(`s3://backups/some/where/${made.name}`, settings())).archive).toEqual(made);
    expect((await verifyBackup(storage, made)).faults).toEqual([]);
    await restoreBackup({ ...found, url: target.url });
    expect(await content(target.url)).toEqual(await content(source.url));

    // Without its manifest it is none, and prune clears the rest away when its time is over.
    server.objects.delete(`backups/some/where/${made.name}/manifest.json`);
    await expect(newestArchive(storage)).rejects.toThrow(/no whole backup.*1 unfinished/);
    expect((await listArchives(storage)).unfinished).toHaveLength(1);
    await pruneArchives(storage, {}, { now: new Date(Date.now() + 2 * 86_400_000) });
    expect([...server.objects.keys()]).toEqual([]);
  } finally {
    await source.drop();
    await target.drop();
  }
}, 120_000);

it('a file larger than a part goes in parts, and an empty one goes at all', async () => {
  const storage = openStorage('s3://backups', settings());
  const bytes = randomBytes(20_000_000);
  const chunks = function* () {
    for (let at = 0; at < bytes.length; at += 65_000) yield bytes.subarray(at, at + 65_000);
  };
  await storage.write('large', Readable.from(chunks()));
  expect(server.served.filter((request) => request === 'PUT part')).toHaveLength(2);
  expect((await buffer(await storage.read('large'))).equals(bytes)).toBe(true);
  await storage.write('empty', Readable.from([]));
  expect(await buffer(await storage.read('empty'))).toHaveLength(0);
  // What breaks on its way is not there.
  const broken = function* () {
    yield Buffer.alloc(1_000);
    throw new Error('the source broke');
  };
  await expect(storage.write('broken', Readable.from(broken()))).rejects.toThrow(/the source broke/);
  await expect(storage.read('broken')).rejects.toThrow(/s3:\/\/backups\/broken cannot be read: it is not there/);
  for (const path of ['large', 'empty']) await storage.remove(path);
  server.objects.clear();
}, 60_000);

it('says what is wrong with the settings', async () => {
  expect(() => openStorage('s3://backups', { S3_REGION: 'x' })).toThrow(/S3_ACCESS_KEY_ID.*_FILE/);
  expect(() => openStorage('s3://Bad_Bucket!/x', settings())).toThrow(/s3:\/\/bucket\/prefix/);
  expect(() => openStorage('ftp://somewhere/x', settings())).toThrow(/a folder or to s3:/);
  const list = (target: string, changes: object) => listArchives(openStorage(target, settings(changes)));
  await expect(list('s3://backups', { S3_SECRET_ACCESS_KEY: 'wrong' })).rejects.toThrow(
    /SignatureDoesNotMatch.*S3_SECRET_ACCESS_KEY/,
  );
  await expect(list('s3://backups', { S3_REGION: 'mars' })).rejects.toThrow(/S3_REGION/);
  await expect(list('s3://elsewhere', {})).rejects.toThrow(/no bucket elsewhere/);
  await expect(list('s3://backups', { S3_ENDPOINT: 'http://127.0.0.1:1' })).rejects.toThrow(/check S3_ENDPOINT/);
});
