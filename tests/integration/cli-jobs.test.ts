/** `tapecast jobs` as a person and a script meet it, on both kinds of queue. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BACKTEST_QUEUE, FORECAST_QUEUE } from '@tapecast/contracts/jobs';
import { PermanentJobError } from '@tapecast/queue/errors';
import { connectQueues, type Queues } from '@tapecast/queue/queues';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { QUEUE_SERVERS, type QueueServer } from './queue-servers.ts';

vi.setConfig({ testTimeout: 240_000 });
const MAIN = join(import.meta.dirname, '..', '..', 'apps', 'cli', 'src', 'main.ts');
const SOON = { timeout: 30_000, interval: 100 };

async function tapecast(
  args: string[],
  queueUrl: string,
): Promise<{ code: number | null; stdout: string; stderr: string }> {
  const { PATH = '', HOME = '' } = process.env;
  const env = { PATH, HOME, DATABASE_URL: 'postgres://127.0.0.1:1/none', QUEUE_URL: queueUrl };
  const child = spawn(process.execPath, [MAIN, 'jobs', ...args], { cwd: tmpdir(), env });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

describe.each(QUEUE_SERVERS)('on $name', ({ start }) => {
  let server: QueueServer;
  let queues: Queues;
  let broken = true;

  beforeAll(async () => {
    server = await start();
    queues = connectQueues({ url: server.url, onError: () => undefined });
    for (const name of [FORECAST_QUEUE, BACKTEST_QUEUE]) {
      queues.worker(name, z.unknown(), async () => {
        if (broken) throw new PermanentJobError('the disk is full\nand more');
      });
      for (const n of [1, 2]) await queues.producer(name, z.unknown()).add({ n }, { jobId: `${name}-${n}` });
      await vi.waitFor(async () => expect((await queues.counts(name)).failed).toBe(2), SOON);
    }
  });
  afterAll(async () => {
    await queues.close();
    await server.stop();
  });

  test('lists what failed and why, and tries it again by name or all of it', async () => {
    const listed = await tapecast(['list'], server.url);
    expect(listed).toMatchObject({ code: 5, stderr: '' });
    expect(listed.stdout).toMatch(/forecast-1\s+failed\s+1\s.*the disk is full/);
    expect(listed.stdout).not.toContain('and more');
    broken = false;
    expect(await tapecast(['retry', 'forecast-1'], server.url)).toMatchObject({ code: 0 });
    await vi.waitFor(async () => {
      expect(await queues.counts(FORECAST_QUEUE)).toMatchObject({ completed: 1, failed: 1 });
    }, SOON);
    const again = await tapecast(['retry', 'forecast-1'], server.url);
    expect(again).toMatchObject({ code: 2, stderr: expect.stringContaining('no such job has failed') });
    const all = await tapecast(['retry', '--all', '--json'], server.url);
    expect(JSON.parse(all.stdout).retried).toHaveLength(3);
    for (const name of [FORECAST_QUEUE, BACKTEST_QUEUE]) {
      await vi.waitFor(async () => expect(await queues.counts(name)).toMatchObject({ completed: 2, failed: 0 }), SOON);
    }
    expect(await tapecast(['list'], server.url)).toMatchObject({ code: 0, stdout: 'No job is failed.\n' });
  });
});

test('says what is wrong with what was typed, and where no queue answers', async () => {
  const nobody = 'redis://127.0.0.1:1';
  expect(await tapecast(['list', '--state', 'broken'], nobody)).toMatchObject({ code: 2 });
  expect(await tapecast(['retry'], nobody)).toMatchObject({ code: 2 });
  const away = await tapecast(['list'], nobody);
  expect(away).toMatchObject({ code: 4, stderr: expect.stringContaining('QUEUE_URL') });
});
