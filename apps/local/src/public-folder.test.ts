import { chmodSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { defaultDataDir, publicCopy } from './public-folder.ts';

function openTemporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'public-folder-'));
  chmodSync(folder, 0o755);
  return folder;
}

it('keeps the data in the project where its user can reach it', () => {
  const root = openTemporaryFolder();
  expect(defaultDataDir(root, true)).toBe(join(root, '.tapecast'));
  chmodSync(root, 0o700);
  expect(defaultDataDir(root, false)).toBe(join(root, '.tapecast'));
});

it('gives each project in a closed home a public folder of its own, always the same', () => {
  const home = openTemporaryFolder();
  const [one, other] = [join(home, 'a', 'tapecast'), join(home, 'b', 'tapecast')];
  mkdirSync(one, { recursive: true });
  mkdirSync(other, { recursive: true });
  chmodSync(home, 0o700);
  expect(defaultDataDir(one, true)).toMatch(/^\/var\/lib\/tapecast\/tapecast-[0-9a-f]{8}$/);
  expect(defaultDataDir(one, true)).toBe(defaultDataDir(one, true));
  expect(defaultDataDir(one, true)).not.toBe(defaultDataDir(other, true));
});

it('copies a folder once, links as links', () => {
  const source = openTemporaryFolder();
  writeFileSync(join(source, 'lib.so.1'), 'first');
  symlinkSync('lib.so.1', join(source, 'lib.so'));
  const place = join(openTemporaryFolder(), 'new');
  const copy = publicCopy(source, 'postgresql-18', place);
  expect(readFileSync(join(copy, 'lib.so'), 'utf8')).toBe('first');
  expect(readlinkSync(join(copy, 'lib.so'))).toBe('lib.so.1');
  writeFileSync(join(source, 'lib.so.1'), 'changed');
  expect(readFileSync(join(publicCopy(source, 'postgresql-18', place), 'lib.so'), 'utf8')).toBe('first');
});
