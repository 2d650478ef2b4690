/** The queue board as a process, on both kinds of queue. */
import { fileURLToPath } from 'node:url';
import { FORECAST_QUEUE, POLL_QUEUE } from '@tapecast/contracts/jobs';
import { PermanentJobError } from '@tapecast/queue/errors';
import { connectQueues, type Queues } from '@tapecast/queue/queues';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { QUEUE_SERVERS, type QueueServer } from './queue-servers.ts';

vi.setConfig({ testTimeout: 120_000 });
const MAIN = fileURLToPath(new URL('../../apps/board/src/main.ts', import.meta.url));
const SOON = { timeout: 30_000, interval: 100 };
const Answer = z.object({
  queues: z.array(
    z.object({
      name: z.string(),
      readOnlyMode: z.boolean(),
      counts: z.record(z.string(), z.number()),
      jobs: z.array(z.object({ id: z.string(), failedReason: z.string().optional() })),
    }),
  ),
});

let board: ServerProcess | undefined;
afterEach(async () => {
  await board?.end();
  board = undefined;
});

async function startBoard(env: Record<string, string>): Promise<string> {
  const settings = { PORT: '0', ...env };
  board = await startServerProcess(process.execPath, [MAIN], /"msg":"started"/, { ...process.env, ...settings });
  const origin = /"origin":"([^"]+)"/.exec(board.output())?.[1];
  if (origin === undefined) throw new Error(`the board does not say where it listens:\n${board.output()}`);
  return origin;
}

async function queuesOf(origin: string) {
  const response = await fetch(`${origin}api/queues?activeQueue=${FORECAST_QUEUE}&status=failed&page=1&jobsPerPage=10`);
  return Answer.parse(await response.json()).queues;
}

test('refuses to listen where others could reach it, unless told that a proxy asks for logins', async () => {
  const queue = { QUEUE_URL: 'redis://127.0.0.1:1' };
  await expect(startBoard({ ...queue, HOST: '0.0.0.0' })).rejects.toThrow('BOARD_BEHIND_PROXY=true');
  const origin = await startBoard({ ...queue, HOST: '0.0.0.0', BOARD_BEHIND_PROXY: 'true' });
  expect((await fetch(origin.replace('0.0.0.0', '127.0.0.1'))).status).toBe(200);
});

describe.each(QUEUE_SERVERS)('on $name', ({ name: kind, start }) => {
  let server: QueueServer;
  let queues: Queues;

  beforeAll(async () => {
    server = await start();
    queues = connectQueues({ url: server.url, onError: () => undefined });
    queues.worker(FORECAST_QUEUE, z.unknown(), async () => {
      throw new PermanentJobError('no bars at all');
    });
    await queues.producer(FORECAST_QUEUE, z.unknown()).add({ ticker: 'MSFT' }, { jobId: 'forecast-MSFT' });
    await vi.waitFor(async () => expect((await queues.counts(FORECAST_QUEUE)).failed).toBe(1), SOON);
  });
  afterAll(async () => {
    await queues.close();
    await server.stop();
  });

  const retry = (origin: string, headers: Record<string, string> = {}) =>
    fetch(`${origin}api/queues/${FORECAST_QUEUE}/forecast-MSFT/retry`, { method: 'PUT', headers });

  test('shows every queue and why a job failed, and changes nothing', async () => {
    const origin = await startBoard({ QUEUE_URL: server.url });
    const page = await fetch(origin);
    expect(page.status).toBe(200);
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(await page.text()).toContain('Tapecast queues (read only)');
    const shown = await queuesOf(origin);
    expect(shown.map(({ name }) => name)).toContain(POLL_QUEUE);
    expect(shown.every(({ readOnlyMode }) => readOnlyMode)).toBe(true);
    const forecasts = shown.find(({ name }) => name === FORECAST_QUEUE);
    expect(forecasts?.counts).toMatchObject({ failed: 1 });
    expect(forecasts?.jobs).toEqual([expect.objectContaining({ id: 'forecast-MSFT', failedReason: 'no bars at all' })]);
    for (const path of ['retry/failed', 'clean/failed', 'pause', 'empty']) {
      const answer = await fetch(`${origin}api/queues/${FORECAST_QUEUE}/${path}`, { method: 'PUT' });
      expect(answer.status, path).toBe(405);
    }
    expect((await retry(origin)).status).toBe(405);
    expect(await queues.counts(FORECAST_QUEUE)).toMatchObject({ failed: 1, waiting: 0 });
    const stats = await fetch(`${origin}api/redis/stats`);
    expect(stats.status).toBe(200);
    if (kind === 'PostgreSQL') expect(await stats.json()).toMatchObject({ backend: 'postgres' });
  });

  test('told that it may write it tries a failed job again, below a path, and not for other sites', async () => {
    const origin = await startBoard({ QUEUE_URL: server.url, BOARD_WRITE: 'true', BASE_PATH: '/queues' });
    expect(origin).toMatch(/\/queues\/$/);
    expect((await fetch(new URL('/', origin))).status).toBe(404);
    expect((await fetch(origin.slice(0, -1))).status).toBe(200);
    expect((await retry(origin, { origin: 'https://evil.example' })).status).toBe(403);
    const before = (await queues.jobs(FORECAST_QUEUE).list(['failed'], 1))[0]?.finishedAt ?? 0;
    expect((await retry(origin)).status).toBeLessThan(300);
    await vi.waitFor(async () => {
      const [failed] = await queues.jobs(FORECAST_QUEUE).list(['failed'], 1);
      expect(failed?.finishedAt).toBeGreaterThan(before);
    }, SOON);
  });
});
