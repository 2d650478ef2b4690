/** One suite for both queue servers: what holds on Redis holds on PostgreSQL. */
import { fileURLToPath } from 'node:url';
import { InvalidJobError, InvalidJobIdError, PermanentJobError, QueueUnavailableError } from '@tapecast/queue/errors';
import { connectQueues, type Queues, type QueuesOptions } from '@tapecast/queue/queues';
import { type JobFailure } from '@tapecast/queue/worker';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { z } from 'zod';
import { startServerProcess } from '../support/server-process.ts';
import { QUEUE_SERVERS, type QueueServer } from './queue-servers.ts';

const Job = z.object({ n: z.int() });
const LOCK_MS = 1_000;
const SOON = { timeout: 20_000, interval: 50 };

describe.each(QUEUE_SERVERS)('on $name', ({ start }) => {
  let server: QueueServer;
  let opened: Queues[] = [];
  let queueNumber = 0;

  beforeAll(async () => {
    server = await start();
  });
  afterEach(async () => {
    await Promise.all(opened.map((queues) => queues.close()));
    opened = [];
  });
  afterAll(() => server.stop());

  function connect(options: Partial<QueuesOptions> = {}): Queues {
    const queues = connectQueues({ url: server.url, onError: () => undefined, ...options });
    opened.push(queues);
    return queues;
  }
  const freshName = () => `queue-${++queueNumber}`;

  test('a job that was added is worked, once for each id', async () => {
    const [name, queues] = [freshName(), connect()];
    const worked: number[] = [];
    const producer = queues.producer(name, Job);
    await producer.add({ n: 1 }, { jobId: 'job-1' });
    await producer.add({ n: 9 }, { jobId: 'job-1' });
    queues.worker(name, Job, async ({ n }) => worked.push(n));
    await vi.waitFor(async () => expect((await queues.counts(name)).completed).toBe(1), SOON);
    await producer.add({ n: 9 }, { jobId: 'job-1' });
    await producer.add({ n: 2 }, { jobId: 'job-2' });
    await vi.waitFor(async () => expect((await queues.counts(name)).completed).toBe(2), SOON);
    expect(worked).toEqual([1, 2]);
    expect(await queues.counts(name)).toEqual({ waiting: 0, active: 0, delayed: 0, completed: 2, failed: 0 });
  });

  test('what the schema or the queue would refuse is refused before it is added', async () => {
    const [name, queues] = [freshName(), connect()];
    const producer = queues.producer(name, Job);
    await expect(producer.add({ n: 1.5 }, { jobId: 'job-1' })).rejects.toThrow(InvalidJobError);
    for (const jobId of ['a:b', '7', '']) {
      await expect(producer.add({ n: 1 }, { jobId })).rejects.toThrow(InvalidJobIdError);
    }
    expect((await queues.counts(name)).waiting).toBe(0);
  });

  test('lower priority numbers go first and a delayed job waits', async () => {
    const [name, queues] = [freshName(), connect()];
    const worked: number[] = [];
    const producer = queues.producer(name, Job);
    await producer.add({ n: 3 }, { jobId: 'late', delay: 1_000 });
    await producer.add({ n: 2 }, { jobId: 'second', priority: 5 });
    await producer.add({ n: 1 }, { jobId: 'first', priority: 1 });
    queues.worker(name, Job, async ({ n }) => worked.push(n));
    await vi.waitFor(() => expect(worked).toEqual([1, 2, 3]), SOON);
  });

  test('a failure is tried again, a permanent one is not, and its reason is kept', async () => {
    const [name, queues] = [freshName(), connect()];
    const failures: JobFailure[] = [];
    const attempts: Record<number, number> = {};
    queues.worker(
      name,
      Job,
      async ({ n }, { attempt }) => {
        attempts[n] = attempt;
        if (n === 1 && attempt === 1) throw new Error('not yet');
        if (n === 2) throw new PermanentJobError('never');
      },
      { onFailed: (failure) => failures.push(failure) },
    );
    const producer = queues.producer(name, Job);
    await producer.add({ n: 1 }, { jobId: 'flaky' });
    await producer.add({ n: 2 }, { jobId: 'hopeless' });
    await queues.producer(name, z.unknown()).add({ n: 'three' }, { jobId: 'malformed' });
    await vi.waitFor(async () => {
      expect(await queues.counts(name)).toMatchObject({ completed: 1, failed: 2, delayed: 0, waiting: 0 });
    }, SOON);
    expect(attempts).toEqual({ 1: 2, 2: 1 });
    const said = new Map(failures.map(({ id, error, final }) => [id, { message: error.message, final }]));
    expect(said.get('flaky')).toEqual({ message: 'not yet', final: false });
    expect(said.get('hopeless')).toEqual({ message: 'never', final: true });
    expect(said.get('malformed')?.message).toContain('schema');
  });

  test('a job that failed for good can be revived under its id', async () => {
    const [name, queues] = [freshName(), connect()];
    let broken = true;
    queues.worker(name, Job, async () => {
      if (broken) throw new PermanentJobError('broken');
    });
    const producer = queues.producer(name, Job);
    await producer.add({ n: 1 }, { jobId: 'job-1' });
    await vi.waitFor(async () => expect((await queues.counts(name)).failed).toBe(1), SOON);
    broken = false;
    await producer.add({ n: 1 }, { jobId: 'job-1', reviveAfterMs: 3_600_000 });
    expect((await queues.counts(name)).failed).toBe(1);
    await producer.add({ n: 1 }, { jobId: 'job-1', reviveAfterMs: 0 });
    await vi.waitFor(async () => expect(await queues.counts(name)).toMatchObject({ completed: 1, failed: 0 }), SOON);
  });

  test('a thread that is busy for longer than its lock keeps its job', async () => {
    const [name, queues] = [freshName(), connect()];
    const results: unknown[] = [];
    const failures: JobFailure[] = [];
    queues.worker(
      name,
      z.unknown(),
      { file: new URL('./queue-programs/busy-job.ts', import.meta.url) },
      {
        useWorkerThreads: true,
        threads: { workerData: { told: 'so' } },
        concurrency: 2,
        lockMs: LOCK_MS,
        onCompleted: ({ result }) => results.push(result),
        onFailed: (failure) => failures.push(failure),
      },
    );
    const producer = queues.producer(name, z.unknown());
    await producer.add({ busyMs: 3 * LOCK_MS }, { jobId: 'busy' });
    await producer.add({ busyMs: 0, fail: true }, { jobId: 'failing' });
    await producer.add({ busyMs: 'long' }, { jobId: 'malformed' });
    await vi.waitFor(async () => {
      expect(await queues.counts(name)).toMatchObject({ completed: 1, failed: 2, active: 0, waiting: 0 });
    }, SOON);
    expect(results).toEqual([{ threadId: expect.any(Number), workerData: { told: 'so' } }]);
    expect(results).not.toEqual([expect.objectContaining({ threadId: 0 })]);
    expect(failures.map(({ id, final }) => ({ id, final }))).toEqual(
      expect.arrayContaining([
        { id: 'failing', final: true },
        { id: 'malformed', final: true },
      ]),
    );
  });

  test('a job whose worker was killed runs again elsewhere', async () => {
    const [name, queues] = [freshName(), connect()];
    await queues.producer(name, Job).add({ n: 1 }, { jobId: 'job-1' });
    const program = fileURLToPath(new URL('./queue-programs/stuck-worker.ts', import.meta.url));
    const victim = await startServerProcess(
      process.execPath,
      [program, server.url, name, String(LOCK_MS)],
      /took job-1/,
    );
    const worked: number[] = [];
    queues.worker(name, Job, async ({ n }) => worked.push(n), { lockMs: LOCK_MS });
    expect((await queues.counts(name)).active).toBe(1);
    await victim.end('SIGKILL');
    await vi.waitFor(() => expect(worked).toEqual([1]), SOON);
    await vi.waitFor(async () => expect(await queues.counts(name)).toMatchObject({ active: 0, completed: 1 }), SOON);
  });

  test('a schedule fires again and again, once for all replicas that ask for it', async () => {
    const [name, one, other] = [freshName(), connect(), connect()];
    const times: number[] = [];
    for (const queues of [one, other]) {
      queues.schedule(name, 'each-second', 500, { n: 5 });
      queues.worker(name, Job, async ({ n }) => (n === 5 ? times.push(Date.now()) : 0));
    }
    await vi.waitFor(() => expect(times.length).toBeGreaterThanOrEqual(5), SOON);
    const elapsed = (times.at(-1) ?? 0) - (times[0] ?? 0);
    expect(times.length - 1).toBeLessThanOrEqual(elapsed / 500 + 2);
  });

  test('while the server is away adding fails in time; when it is back everything goes on', async () => {
    const errors: Error[] = [];
    const [name, queues] = [freshName(), connect({ timeoutMs: 500, onError: (error) => errors.push(error) })];
    const worked: number[] = [];
    const producer = queues.producer(name, Job);
    queues.worker(name, Job, async ({ n }) => worked.push(n), { lockMs: LOCK_MS });
    queues.schedule(name, 'beat', 500, { n: 0 });
    await producer.add({ n: 1 }, { jobId: 'job-1' });
    await vi.waitFor(() => expect(worked).toContain(1), SOON);

    await server.kill();
    await expect(producer.add({ n: 2 }, { jobId: 'job-2' })).rejects.toThrow();
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(0), SOON);
    await server.restart();

    await vi.waitFor(() => producer.add({ n: 3 }, { jobId: 'job-3' }), SOON);
    await vi.waitFor(() => expect(worked).toContain(3), SOON);
    worked.length = 0;
    await vi.waitFor(() => expect(worked.filter((n) => n === 0).length).toBeGreaterThanOrEqual(2), SOON);
  });

  test('who starts before the server does gets through when it is up', async () => {
    await server.kill();
    const [name, queues] = [freshName(), connect({ timeoutMs: 300 })];
    const worked: number[] = [];
    queues.worker(name, Job, async ({ n }) => worked.push(n));
    const producer = queues.producer(name, Job);
    await expect(producer.add({ n: 1 }, { jobId: 'job-1' })).rejects.toThrow(QueueUnavailableError);
    await server.restart();
    await vi.waitFor(() => producer.add({ n: 1 }, { jobId: 'job-1' }), SOON);
    await vi.waitFor(() => expect(worked).toEqual([1]), SOON);
  });

  test('closes in time while the server is away', async () => {
    const [name, queues] = [freshName(), connect({ closeTimeoutMs: 500 })];
    const worked: number[] = [];
    queues.worker(name, Job, async ({ n }) => worked.push(n));
    await queues.producer(name, Job).add({ n: 1 }, { jobId: 'job-1' });
    await vi.waitFor(() => expect(worked).toEqual([1]), SOON);
    await server.kill();
    try {
      await queues.close();
    } finally {
      await server.restart();
    }
  });
});
