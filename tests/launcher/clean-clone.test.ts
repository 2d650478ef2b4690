/**
 * The two commands as a stranger types them: `npm start` in a copy of the working tree, under a path with a space, with npm's own
 * processes in between. What npm downloads is linked from here; that it downloads is the business of npm.
 */
import { execFileSync } from 'node:child_process';
import { chmod, cp, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServerProcess } from '../support/server-process.ts';
import { descendants, stillAlive } from './launcher-process.ts';

const ROOT = resolve(import.meta.dirname, '..', '..');
let folder: string;
let clone: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tapecast-clone-'));
  await chmod(folder, 0o755); // PostgreSQL may run as another OS user
  clone = join(folder, 'with a space');
  const listed = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
    cwd: ROOT,
    encoding: 'utf8',
  });
  await mkdir(clone);
  for (const file of listed.split('\0').filter((name) => name !== '')) {
    await mkdir(dirname(join(clone, file)), { recursive: true });
    // A file that is deleted here and not yet in the index is no part of the tree.
    await cp(join(ROOT, file), join(clone, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
  }
  // Hard links where the file system allows; the links to workspaces are relative and so lead into the copy.
  const modules = [join(ROOT, 'node_modules'), join(clone, 'node_modules')];
  try {
    execFileSync('cp', ['-al', ...modules], { stdio: 'ignore' });
  } catch {
    execFileSync('cp', ['-a', '-f', ...modules]);
  }
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('npm start shows charts, and SIGTERM to npm leaves nothing behind', async () => {
  const npm = await startServerProcess('npm', ['start', '--prefix', clone], /Tapecast is ready: \S+\n/, {
    ...process.env,
    PRICE_SOURCE: 'simulated',
    PORT: '0',
    TICKERS: 'MSFT',
    BACKFILL_FROM: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10),
  });
  const started = descendants(npm.pid);
  expect(npm.output()).toContain('Building the web app');
  const origin = /Tapecast is ready: (\S+)/.exec(npm.output())?.[1] ?? '';
  const page = await fetch(origin);
  expect(await page.text()).toContain('<title>');
  const prices = (await (await fetch(`${origin}/api/v1/prices/MSFT?resolution=1m`)).json()) as { bars: unknown[] };
  expect(prices.bars.length).toBeGreaterThan(0);
  await npm.end();
  expect(started.length).toBeGreaterThanOrEqual(5);
  expect(stillAlive(started)).toEqual([]);
});
