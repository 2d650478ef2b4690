/** A Redis whose machine vanished says nothing: nobody may wait for it until TCP gives it up. */
import { connectQueues } from '@tapecast/queue/queues';
import { expect, it, vi } from 'vitest';
import { z } from 'zod';
import { startRedis } from '../support/redis.ts';
import { startTcpProxy } from './tcp-proxy.ts';

const Job = z.object({ n: z.int() });
const PATIENTLY = { timeout: 120_000, interval: 100 };

it('connections that wait for an answer are given up, and work goes on over others', { timeout: 300_000 }, async () => {
  const redis = await startRedis();
  const url = new URL(redis.url);
  const proxy = await startTcpProxy({ host: url.hostname, port: Number(url.port) });
  url.port = String(proxy.port);
  const queues = connectQueues({ url: url.href, onError: () => undefined });
  try {
    const worked: number[] = [];
    const producer = queues.producer('numbers', Job);
    queues.worker('numbers', Job, async ({ n }) => worked.push(n));
    await producer.add({ n: 1 }, { jobId: 'job-1' });
    await vi.waitFor(() => expect(worked).toEqual([1]), PATIENTLY);
    proxy.forgetConnections();
    // The first one meets the silence; what it was asked for may arrive later, or be added again.
    await vi.waitFor(() => producer.add({ n: 2 }, { jobId: 'job-2' }), PATIENTLY);
    await vi.waitFor(() => expect(worked).toEqual([1, 2]), PATIENTLY);
  } finally {
    await queues.close();
    await proxy.close();
    await redis.stop();
  }
});
