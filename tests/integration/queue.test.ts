/** One suite for both queue servers: what holds on Redis holds on PostgreSQL. */
import { setTimeout } from 'node:timers/promises';
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
const SOON = { timeout: 30_000, interval: 50 };
/** Tests wait for conditions, each with a limit of its own. */
vi.setConfig({ testTimeout: 180_000 });
const PATIENTLY = { timeout: 60_000, interval: 100 };

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

  test('lower priority numbers go first', async () => {
    const [name, queues] = [freshName(), connect()];
    const worked: number[] = [];
    const producer = queues.producer(name, Job);
    await producer.add({ n: 2 }, { jobId: 'second', priority: 5 });
    await producer.add({ n: 1 }, { jobId: 'first', priority: 1 });
    queues.worker(name, Job, async ({ n }) => worked.push(n));
    await vi.waitFor(() => expect(worked).toEqual([1, 2]), SOON);
  });

  test('the job that waits the longest is known, whatever its priority', async () => {
    const [name, queues] = [freshName(), connect()];
    expect(await queues.oldestWaiting(name)).toBeNull();
    const producer = queues.producer(name, Job);
    const begun = Date.now();
    await producer.add({ n: 1 }, { jobId: 'first', priority: 9 });
    const first = await queues.oldestWaiting(name);
    expect(first).toBeGreaterThanOrEqual(begun - 1);
    await setTimeout(20);
    await producer.add({ n: 2 }, { jobId: 'urgent', priority: 1 });
    await producer.add({ n: 3 }, { jobId: 'plain' });
    expect(await queues.oldestWaiting(name)).toBe(first);
    queues.worker(name, Job, async () => undefined);
    await vi.waitFor(async () => expect(await queues.oldestWaiting(name)).toBeNull(), SOON);
  });

  test('a delayed job waits', async () => {
    const [name, queues] = [freshName(), connect()];
    const worked: number[] = [];
    queues.worker(name, Job, async () => worked.push(Date.now()));
    const added = Date.now();
    await queues.producer(name, Job).add({ n: 1 }, { jobId: 'late', delay: 1_000 });
    await vi.waitFor(() => expect(worked).toHaveLength(1), SOON);
    expect((worked[0] ?? 0) - added).toBeGreaterThanOrEqual(990);
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
    // The queue knows of a failure a moment before its worker tells.
    await vi.waitFor(() => expect(failures).toHaveLength(3), SOON);
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

  test('a job that waits is moved up when it is asked for with a higher priority', async () => {
    const [name, queues] = [freshName(), connect()];
    const worked: number[] = [];
    const producer = queues.producer(name, Job);
    for (const n of [1, 2, 3]) await producer.add({ n }, { jobId: `job-${n}`, priority: 5 });
    await producer.add({ n: 3 }, { jobId: 'job-3', priority: 1, raise: true });
    await producer.add({ n: 2 }, { jobId: 'job-2', priority: 1 });
    const waiting = await queues.jobs(name).list(['waiting'], 10);
    expect(Object.fromEntries(waiting.map(({ id, priority }) => [id, priority]))).toEqual({
      'job-1': 5,
      'job-2': 5,
      'job-3': 1,
    });
    queues.worker(name, Job, async ({ n }) => worked.push(n));
    await vi.waitFor(() => expect(worked).toEqual([3, 1, 2]), SOON);
    await vi.waitFor(async () => expect((await queues.counts(name)).completed).toBe(3), SOON);
    await producer.add({ n: 1 }, { jobId: 'job-1', priority: 1, raise: true });
    expect((await queues.counts(name)).waiting).toBe(0);
  });

  test('a job that takes too long fails with that reason and is tried again, in a handler', async () => {
    const [name, queues] = [freshName(), connect()];
    const failures: JobFailure[] = [];
    const told: unknown[] = [];
    queues.worker(
      name,
      Job,
      async (_job, { attempt, signal }) => {
        if (attempt > 1) return 'in time';
        await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
        told.push(signal.reason);
      },
      { timeoutMs: 200, onFailed: (failure) => failures.push(failure) },
    );
    await queues.producer(name, Job).add({ n: 1 }, { jobId: 'slow' });
    await vi.waitFor(async () => expect(await queues.counts(name)).toMatchObject({ completed: 1, failed: 0 }), SOON);
    expect(told).toEqual([expect.objectContaining({ name: 'JobTimeoutError' })]);
    await vi.waitFor(() => expect(failures).toHaveLength(1), SOON);
    expect(failures).toMatchObject([{ final: false, error: { message: expect.stringContaining('0.2 s') } }]);
  });

  test('a thread that takes too long is ended, and the next job gets another one', async () => {
    const [name, queues] = [freshName(), connect()];
    const failures: JobFailure[] = [];
    const results: unknown[] = [];
    queues.worker(
      name,
      z.unknown(),
      { file: new URL('./queue-programs/busy-job.ts', import.meta.url) },
      {
        useWorkerThreads: true,
        timeoutMs: 2_000,
        onFailed: (failure) => failures.push(failure),
        onCompleted: ({ result }) => results.push(result),
      },
    );
    const producer = queues.producer(name, z.unknown());
    // On a busy machine a thread may be late by its own start: then these jobs come to their end when they are tried again.
    await producer.add({ busyMs: 0 }, { jobId: 'before' });
    await vi.waitFor(() => expect(results).toHaveLength(1), PATIENTLY);
    await producer.add({ busyMs: 3_600_000 }, { jobId: 'endless' });
    const late = { id: 'endless', error: expect.objectContaining({ message: expect.stringContaining('2 s') }) };
    await vi.waitFor(() => expect(failures).toContainEqual(expect.objectContaining(late)), PATIENTLY);
    await producer.add({ busyMs: 0 }, { jobId: 'after' });
    await vi.waitFor(() => expect(results).toHaveLength(2), PATIENTLY);
    const [before, after] = results.map((result) => z.object({ threadId: z.number() }).parse(result).threadId);
    expect(after).not.toBe(before);
  });

  test('jobs can be looked at while they run and after they failed, and be tried again one by one', async () => {
    const [name, queues] = [freshName(), connect()];
    const gate = Promise.withResolvers<null>();
    let broken = true;
    queues.worker(name, Job, async ({ n }, { progress }) => {
      await progress({ step: 'reading', done: n });
      if (n === 1) await gate.promise;
      if (n === 2 && broken) throw new PermanentJobError('the disk is full');
    });
    const producer = queues.producer(name, Job);
    const book = queues.jobs(name);
    await producer.add({ n: 2 }, { jobId: 'hopeless' });
    await vi.waitFor(async () => expect(await book.list(['failed'], 10)).toHaveLength(1), SOON);
    await producer.add({ n: 1 }, { jobId: 'running' });
    await vi.waitFor(async () => {
      const [active] = await book.list(['active'], 10);
      expect(active).toMatchObject({
        id: 'running',
        progress: { step: 'reading', done: 1 },
        attempts: 1,
        reason: null,
      });
    }, SOON);
    expect(await book.list(['failed', 'waiting'], 10)).toEqual([
      expect.objectContaining({ id: 'hopeless', state: 'failed', reason: 'the disk is full', data: { n: 2 } }),
    ]);
    expect(await book.retry('running')).toBe(false);
    expect(await book.retry('unheard-of')).toBe(false);
    broken = false;
    gate.resolve(null);
    expect(await book.retry('hopeless')).toBe(true);
    await vi.waitFor(async () => expect(await queues.counts(name)).toMatchObject({ completed: 2, failed: 0 }), SOON);
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
        lockMs: 2 * LOCK_MS,
        onCompleted: ({ result }) => results.push(result),
        onFailed: (failure) => failures.push(failure),
      },
    );
    const producer = queues.producer(name, z.unknown());
    await producer.add({ busyMs: 5 * LOCK_MS }, { jobId: 'busy' });
    await producer.add({ busyMs: 0, fail: true }, { jobId: 'failing' });
    await producer.add({ busyMs: 'long' }, { jobId: 'malformed' });
    await vi.waitFor(async () => {
      expect(await queues.counts(name)).toMatchObject({ completed: 1, failed: 2, active: 0, waiting: 0 });
    }, SOON);
    await vi.waitFor(() => expect(results).toHaveLength(1), SOON);
    expect(results).toEqual([{ threadId: expect.any(Number), workerData: { told: 'so' } }]);
    expect(results).not.toEqual([expect.objectContaining({ threadId: 0 })]);
    await vi.waitFor(() => expect(failures).toHaveLength(2), SOON);
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
