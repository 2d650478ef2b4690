/** The lab's way: a row from the web, a job from the forecaster, progress on the socket, a result in the row. */
import { fileURLToPath } from 'node:url';
import { LabProgress, LabRun, LabRunsAnswer, LabSettings, type LabState } from '@tapecast/contracts/lab';
import { Problem } from '@tapecast/contracts/rest';
import { openDatabase, type Database } from '@tapecast/db/database';
import { beginLabRun, cancelLabRun, createLabRun, finishLabRun, moveLabRun, readLabRun } from '@tapecast/db/lab-runs';
import { writeBars } from '@tapecast/db/write-bars';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { workOnRun } from '../../apps/forecaster/src/lab/work-on-run.ts';
import { randomWalk } from '../../apps/forecaster/src/models/random-walk.fixture.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { createWorld, type World } from './hub-world.ts';
import { QUEUE_SERVERS, type QueueServer } from './queue-servers.ts';

const MAIN = fileURLToPath(new URL('../../apps/forecaster/src/main.ts', import.meta.url));
const DAY = 86_400;
const BARS = 700;
const END = Math.floor(Date.now() / 1_000 / DAY) * DAY - 3 * DAY;
const dayKey = (index: number) => END - (BARS - 1 - index) * DAY;
/** A forecaster has to start, perhaps on two busy cores. */
const SOON = { timeout: 90_000, interval: 100 };

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 });

let world: World;
let forecasterDb: Database;
let webDb: Database;

beforeAll(async () => {
  world = await createWorld({ tickers: ['WALK', 'OTHER', 'SHORT'] });
  forecasterDb = openDatabase({
    url: world.database.asRole('tapecast_forecaster'),
    applicationName: 'test forecaster',
  });
  webDb = openDatabase({ url: world.database.asRole('tapecast_web'), applicationName: 'test web' });
  for (const [ticker, seed] of [
    ['WALK', 5],
    ['OTHER', 6],
  ] as const) {
    const rows = randomWalk({ bars: BARS, seed }).map((close, i) => {
      const prices = { open: close, high: 1.01 * close, low: 0.99 * close, close, closeAdj: null };
      return { time: dayKey(i) as never, ticker, ...prices, volume: 1_000, source: 'simulated' };
    });
    await writeBars(world.db, '1d', rows);
  }
});
afterAll(async () => {
  await forecasterDb?.close();
  await webDb?.close();
  await world?.close();
});

function settingsOf(more: Partial<Record<keyof LabSettings, unknown>> = {}): LabSettings {
  return LabSettings.parse({
    ...{ ticker: 'WALK', resolution: '1d', model: 'ridge', features: ['returns', 'rsi'], tuning: false, horizon: 2 },
    ...{ split: dayKey(500), folds: 3, strategy: 'long-short', costBps: 5, bars: BARS },
    ...more,
  });
}

const caller = (more: Record<string, string> = {}) => ({
  headers: { host: '127.0.0.1:3000', 'content-type': 'application/json', ...more },
  httpVersion: '1.1',
  socket: { remoteAddress: '127.0.0.1' },
});

function post(body: unknown, from = caller()): Promise<Response> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const request = new Request('http://127.0.0.1:3000/api/v1/lab/runs', { method: 'POST', body: text });
  return world.services.rest.newLabRun(request, from);
}

async function created(more: Partial<Record<keyof LabSettings, unknown>> = {}, seed = 7): Promise<number> {
  const id = await createLabRun(webDb, { settings: settingsOf(more), seed });
  if (id === null) throw new Error('too many runs are open');
  return id;
}

async function runOf(id: number): Promise<LabRun> {
  const response = await world.services.rest.labRun(new Request(`http://localhost/api/v1/lab/runs/${id}`), String(id));
  expect(response.status).toBe(200);
  const body: unknown = await response.json();
  const run = LabRun.strict().parse(body);
  expect(run).toEqual(body);
  return run;
}

const cancel = (id: number | string, from = caller()) =>
  world.services.rest.cancelLabRun(new Request('http://localhost/', { method: 'POST' }), String(id), from);

describe('REST', () => {
  it('begins a run for an operator, and tells where it is', async () => {
    const response = await post({ settings: settingsOf(), seed: 3 });
    expect(response.status).toBe(201);
    const run = LabRun.strict().parse(await response.json());
    expect(run).toMatchObject({ state: 'waiting', seed: 3, settings: settingsOf(), result: null });
    expect(response.headers.get('location')).toBe(`/api/v1/lab/runs/${run.id}`);
    expect((await cancel(run.id)).status).toBe(200);
    expect((await runOf(run.id)).state).toBe('cancelled');
    expect((await cancel(run.id)).status).toBe(409);
  });

  it.each([
    ['from another site', caller({ origin: 'https://evil.example' })],
    ['through a proxy', caller({ 'x-forwarded-for': '127.0.0.1' })],
    ['as a form', caller({ 'content-type': 'text/plain' })],
    ['from another machine', { ...caller(), socket: { remoteAddress: '192.0.2.7' } }],
  ])('refuses what comes %s, and keeps nothing', async (_what, from) => {
    const before = (await world.sql('SELECT count(*)::int AS n FROM lab_runs')).rows;
    const response = await post({ settings: settingsOf() }, from);
    expect(response.status).toBe(403);
    expect(Problem.parse(await response.json()).detail).not.toBe('');
    expect((await cancel(1, from)).status).toBe(403);
    expect((await world.sql('SELECT count(*)::int AS n FROM lab_runs')).rows).toEqual(before);
  });

  it.each([
    ['{', 400, /no JSON/],
    ['x'.repeat(20_000), 413, /bytes at most/],
    [{ settings: settingsOf(), seed: -1 }, 400, /seed/],
    [{ settings: { ...settingsOf(), features: [] } }, 400, /settings\.features/],
    [{ settings: { ...settingsOf(), features: ['rsi', 'rsi'] } }, 400, /settings\.features/],
    [{ settings: { ...settingsOf(), bars: 1e6 } }, 400, /settings\.bars/],
    [{ settings: settingsOf({ ticker: 'NOPE' }) }, 404, /NOPE/],
    [{ repeatOf: 999_999 }, 404, /no run/],
    [{ repeatOf: 'x' }, 400, /repeatOf/],
  ])('says what is wrong with body %#', async (body, status, words) => {
    const response = await post(body);
    expect(response.status).toBe(status);
    expect(Problem.parse(await response.json()).detail).toMatch(words);
  });

  it.each(['0', '-1', '1e3', 'x', '99999999999999999999'])('there is no run %s', async (id) => {
    expect((await world.services.rest.labRun(new Request('http://localhost/'), id)).status).toBe(404);
  });

  it('lists runs, newest first, in pages', async () => {
    const ids = [
      await created({ ticker: 'OTHER' }),
      await created({ ticker: 'OTHER' }),
      await created({ ticker: 'OTHER' }),
    ];
    const list = async (query: string) => {
      const response = await world.services.rest.labRuns(new Request(`http://localhost/api/v1/lab/runs?${query}`));
      return LabRunsAnswer.parse(await response.json()).map(({ id }) => id);
    };
    expect(await list('ticker=OTHER')).toEqual(ids.toReversed());
    expect(await list(`ticker=OTHER&limit=1&before=${ids[2]}`)).toEqual([ids[1]]);
    for (const id of ids) await cancelLabRun(webDb, id);
  });

  it('takes only so many at once', async () => {
    const ids: number[] = [];
    let refused: Response | null = null;
    for (let i = 0; i < 25 && refused === null; i++) {
      const response = await post({ settings: settingsOf() });
      if (response.status === 201) ids.push(((await response.json()) as LabRun).id);
      else refused = response;
    }
    expect(refused?.status).toBe(429);
    expect(ids).toHaveLength(20);
    for (const id of ids) await cancelLabRun(webDb, id);
  });

  it('is in the OpenAPI document', async () => {
    const document: unknown = await (await world.services.rest.openapi(new Request('http://localhost/'))).json();
    for (const path of [
      ['/api/v1/lab/runs', 'post'],
      ['/api/v1/lab/runs', 'get'],
      ['/api/v1/lab/runs/{id}', 'get'],
    ]) {
      expect(document).toHaveProperty(['paths', ...path]);
    }
  });
});

describe('a job', () => {
  it('comes to a result, and a repetition to the same one; what is tried is counted', async () => {
    const id = await created({ model: 'forest', folds: 2, horizon: 1, refitEvery: 40 });
    expect(await workOnRun(forecasterDb, id)).toMatchObject({ outcome: 'done' });
    const run = await runOf(id);
    expect(run).toMatchObject({ state: 'done', progress: 1, attempt: 1, original: null });
    expect(run.result?.data).toMatchObject({ bars: BARS, simulated: true, until: dayKey(BARS - 1), purged: 1 });
    expect(run.result?.next.after).toBe(dayKey(BARS - 1));
    expect(run.revision).toBeGreaterThan(0);
    const response = await post({ repeatOf: id });
    const again = ((await response.json()) as LabRun).id;
    // New bars have come since; a repetition does not see them.
    await world.write('1d', 'WALK', [[dayKey(BARS), 123]]);
    await workOnRun(forecasterDb, again);
    const repeated = await runOf(again);
    expect(repeated).toMatchObject({ repeatOf: id, attempt: 1, dataHash: run.dataHash, resultHash: run.resultHash });
    expect(repeated.result).toEqual(run.result);
    expect(repeated.original).toEqual({ dataHash: run.dataHash, resultHash: run.resultHash });
    expect((await runOf(await created())).attempt).toBe(2);
  });

  it('does nothing a second time, nor after it was cancelled', async () => {
    const id = await created();
    await workOnRun(forecasterDb, id);
    const before = await readLabRun(webDb, id);
    expect(await workOnRun(forecasterDb, id)).toEqual({ outcome: 'gone', verdict: null });
    expect(await readLabRun(webDb, id)).toEqual(before);
    const cancelled = await created();
    await cancelLabRun(webDb, cancelled);
    expect(await workOnRun(forecasterDb, cancelled)).toEqual({ outcome: 'gone', verdict: null });
  });

  it('twice at the same time comes to one result', async () => {
    const id = await created({ model: 'network', folds: 2 });
    const outcomes = await Promise.all([workOnRun(forecasterDb, id), workOnRun(forecasterDb, id)]);
    expect(outcomes.map(({ outcome }) => outcome).sort()).toEqual(['done', 'gone']);
    expect((await runOf(id)).state).toBe('done');
  });

  it('cancelled while it is at work, it ends without a result', async () => {
    const id = await created({ model: 'boosted', tuning: true, folds: 5 });
    // A clock that leaps: every step is told, so that there are many at which the end can be noticed.
    let clock = Date.now();
    const working = workOnRun(forecasterDb, id, { now: () => (clock += 1_000), longestMs: Infinity });
    await vi.waitFor(async () => expect((await runOf(id)).state).toBe('running'), { ...SOON, interval: 10 });
    await cancelLabRun(webDb, id);
    expect(await working).toEqual({ outcome: 'gone', verdict: null });
    expect(await runOf(id)).toMatchObject({ state: 'cancelled', result: null });
  });

  it('that takes too long ends, and says what would do', async () => {
    const id = await created();
    expect(await workOnRun(forecasterDb, id, { longestMs: -1 })).toMatchObject({ outcome: 'refused' });
    expect(await runOf(id)).toMatchObject({ state: 'failed', error: expect.stringContaining('Use fewer bars') });
  });

  it.each([
    [{ split: dayKey(20) }, 'Set the split later'],
    [{ split: dayKey(BARS - 5) }, 'Set the split earlier'],
    [{ ticker: 'SHORT' }, 'has no closed 1d bars'],
  ])('with %j fails in words', async (more, words) => {
    const id = await created(more);
    await workOnRun(forecasterDb, id);
    expect(await runOf(id)).toMatchObject({ state: 'failed', error: expect.stringContaining(words) });
  });

  it('does not see the bar that is still open', async () => {
    const today = Math.floor(Date.now() / 1_000 / DAY) * DAY;
    await world.write('1d', 'OTHER', [[today, 1_000]]);
    const id = await created({ ticker: 'OTHER' });
    await workOnRun(forecasterDb, id);
    expect((await runOf(id)).result?.data.until).toBe(dayKey(BARS - 1));
  });
});

it('the web may begin and cancel, and write no results', async () => {
  const id = await created();
  await expect(beginLabRun(webDb, id)).rejects.toThrow('permission denied');
  await expect(moveLabRun(webDb, id, 0.5, 'x')).rejects.toThrow('permission denied');
  const nothing = { epoch: 'x', revision: 1, dataHash: 'x', result: {}, resultHash: 'x', verdict: 'better' } as never;
  await expect(finishLabRun(webDb, id, nothing)).rejects.toThrow('permission denied');
  await expect(createLabRun(forecasterDb, { settings: settingsOf(), seed: 1 })).rejects.toThrow('permission denied');
  await cancelLabRun(webDb, id);
});

describe('the socket', () => {
  it('tells of a watched run only; where it stands on asking', async () => {
    const socket = world.socket();
    const heard: LabProgress[] = [];
    socket.on('lab', (runs: LabProgress[]) => heard.push(...runs));
    const [watched, other] = [await created(), await created()];
    const ack = await socket.timeout(10_000).emitWithAck('watchLab', { runs: [watched, 424_242] });
    expect(ack).toMatchObject({ ok: true, runs: [{ id: watched, state: 'waiting' }] });
    await workOnRun(forecasterDb, other);
    await workOnRun(forecasterDb, watched);
    await vi.waitFor(() => expect(heard.at(-1)?.state).toBe('done'), SOON);
    for (const progress of heard) expect(LabProgress.parse(progress).id).toBe(watched);
    const order: Record<LabState, number> = { waiting: 0, running: 1, done: 2, failed: 2, cancelled: 2 };
    const steps = heard.map(({ state, progress }) => order[state] + progress);
    expect(steps).toEqual(steps.toSorted((a, b) => a - b));
  });

  it('a lost hint costs a sweep', async () => {
    const socket = world.socket();
    const heard: LabProgress[] = [];
    socket.on('lab', (runs: LabProgress[]) => heard.push(...runs));
    const id = await created();
    await socket.timeout(10_000).emitWithAck('watchLab', { runs: [id] });
    await world.sql('ALTER TABLE lab_runs DISABLE TRIGGER moved');
    try {
      await workOnRun(forecasterDb, id);
    } finally {
      await world.sql('ALTER TABLE lab_runs ENABLE TRIGGER moved');
    }
    await vi.waitFor(() => expect(heard.at(-1)).toMatchObject({ id, state: 'done' }), SOON);
  });

  it.each([[{}], [{ runs: ['x'] }], [{ runs: Array.from({ length: 21 }, (_, i) => i + 1) }], [undefined]])(
    'refuses %j',
    async (payload) => {
      const ack = await world.socket().timeout(10_000).emitWithAck('watchLab', payload);
      expect(ack).toMatchObject({ ok: false, error: { code: 'bad_request' } });
    },
  );

  it('a client hears the end of a run although its hub was away', async () => {
    const id = await created();
    const client = world.client();
    const heard: LabProgress[] = [];
    client.watchLabRun(id, (progress) => heard.push(progress));
    await vi.waitFor(() => expect(heard.at(-1)?.state).toBe('waiting'), SOON);
    const restarted = world.restartHub();
    await workOnRun(forecasterDb, id);
    await restarted;
    await vi.waitFor(() => expect(heard.at(-1)?.state).toBe('done'), SOON);
  });
});

describe.each(QUEUE_SERVERS)('a forecaster on $name', ({ start }) => {
  let queue: QueueServer;
  const forecasters: ServerProcess[] = [];

  beforeAll(async () => {
    queue = await start();
  });
  afterEach(async () => {
    await Promise.all(forecasters.splice(0).map((each) => each.end()));
  });
  afterAll(() => queue?.stop());

  async function startForecaster(): Promise<ServerProcess> {
    const env = {
      ...{ PATH: process.env['PATH'] ?? '', DATABASE_URL: world.database.asRole('tapecast_forecaster') },
      ...{ QUEUE_URL: queue.url, FORECAST_THREADS: '1', FORECAST_BACKTESTS: '0', METRICS_PORT: '0' },
    };
    const forecaster = await startServerProcess(process.execPath, [MAIN], /"msg":"started"/, env);
    forecasters.push(forecaster);
    return forecaster;
  }

  it('works on runs that waited for it and on those that come, once each', { timeout: 240_000 }, async () => {
    const waited = await created();
    await startForecaster();
    await vi.waitFor(async () => expect((await runOf(waited)).state).toBe('done'), SOON);
    const came = await created({ model: 'logistic' });
    await vi.waitFor(async () => expect((await runOf(came)).state).toBe('done'), SOON);
  });

  it('killed in the middle of a run: the next one ends it, with the same result', { timeout: 300_000 }, async () => {
    const settings = { model: 'boosted', tuning: true, folds: 6, horizon: 3 };
    const reference = await created(settings);
    await workOnRun(forecasterDb, reference);
    const id = await created(settings);
    const victim = await startForecaster();
    await vi.waitFor(async () => expect((await runOf(id)).progress).toBeGreaterThan(0.05), { ...SOON, interval: 20 });
    await victim.end('SIGKILL');
    const left = await runOf(id);
    await startForecaster();
    await vi.waitFor(async () => expect((await runOf(id)).state).toBe('done'), { timeout: 180_000, interval: 250 });
    const run = await runOf(id);
    expect(run.progress).toBeGreaterThanOrEqual(left.progress);
    expect([run.dataHash, run.resultHash]).toEqual([
      (await runOf(reference)).dataHash,
      (await runOf(reference)).resultHash,
    ]);
  });
});
