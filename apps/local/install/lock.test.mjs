import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { lock, tryLock } from './lock.mjs';

let folder;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tapecast-lock-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const path = () => join(folder, 'deep', 'lock');

it('is had by one at a time', () => {
  const first = tryLock(path());
  expect(first.taken).toBe(true);
  expect(tryLock(path())).toEqual({ taken: false, owner: process.pid });
  first.release();
  expect(tryLock(path()).taken).toBe(true);
});

it('is taken over from a process that is gone, though its id is in use again', () => {
  tryLock(path()).release();
  const dead = spawnSync(process.execPath, ['-p', 'process.pid'], { encoding: 'utf8' }).stdout.trim();
  for (const stale of [`${dead} 123`, `${process.pid} 123`, 'half', '']) {
    writeFileSync(path(), stale);
    const outcome = tryLock(path());
    expect(outcome.taken).toBe(true);
    outcome.release();
  }
});

it('goes from one waiter to the next', async () => {
  const held = await lock(path());
  const order = [];
  const second = lock(path(), (owner) => order.push(`waits for ${owner}`)).then((taken) => {
    order.push('taken');
    taken.release();
  });
  await new Promise((resolve) => setTimeout(resolve, 20));
  order.push('released');
  held.release();
  await second;
  expect(order).toEqual([`waits for ${process.pid}`, 'released', 'taken']);
});

it('can be lent to a process whose death frees it', () => {
  const held = tryLock(path());
  held.lend(process.ppid);
  expect(tryLock(path())).toEqual({ taken: false, owner: process.ppid });
  held.release();
  expect(tryLock(path()).taken).toBe(true);
});
