/** Gaps and their backfill: a vendor that lacks bars in front, a real PostgreSQL behind, by the library and by the command line. */
import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { Ticker } from '@tapecast/contracts/ticker';
import { openDatabase, type Database } from '@tapecast/db/database';
import { holdLease } from '@tapecast/db/lease';
import { ensureTickers, listTickers } from '@tapecast/db/tickers';
import { backfillSeries, seriesGaps, type Scan, type SeriesName } from '@tapecast/ingest/backfill';
import { systemClock, type Clock } from '@tapecast/ingest/clock';
import { type FillContext } from '@tapecast/ingest/fill';
import { createHistory } from '@tapecast/ingest/history';
import { createInstrumentBook } from '@tapecast/ingest/instrument-book';
import { createYahooSource } from '@tapecast/ingest/sources/yahoo';
import { createRequestBudget } from '@tapecast/ingest/sources/request-budget';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startYahoo, type YahooStub } from '../support/yahoo/server.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'apps', 'cli', 'src', 'main.ts');
const MADE = Ticker.parse('MADEUP');
/** Years of bars are written, and programs started. */
vi.setConfig({ testTimeout: 240_000 });

const never = new AbortController().signal;
const at = (iso: string) => Date.parse(iso) / 1_000;
const iso = (time: number) => new Date(time * 1_000).toISOString().slice(0, 16);

let test: TestDatabase;
let db: Database;
let admin: pg.Client;
let stub: YahooStub;

beforeEach(async () => {
  test = await createDatabase();
  db = openDatabase({ url: test.asRole('tapecast_ingestor'), applicationName: 'gaps test' });
  admin = new pg.Client({ connectionString: test.url });
  await admin.connect();
  await ensureTickers(db, [MADE]);
});

afterEach(async () => {
  await stub.close();
  await admin.end();
  await db.close();
  await test.drop();
});

const charts = () => stub.requests.filter((request) => request.includes('/v8/finance/chart/')).length;
const removed = async (resolution: string, from: string, to: string) =>
  (
    await admin.query(
      `DELETE FROM stock_prices_${resolution} WHERE ticker = $1 AND time >= $2 AND time <= $3 RETURNING time`,
      [MADE, from, to],
    )
  ).rowCount;

describe('at a moment of the past', () => {
  /** The Monday after Juneteenth, noon in New York. */
  let now: number;
  let missing: (interval: string, time: number) => boolean;
  let context: FillContext;
  const clock: Clock = { now: () => now, sleep: systemClock.sleep };
  const scan: Scan = { backfillFrom: null };

  beforeEach(async () => {
    now = Date.UTC(2026, 5, 22, 16, 0, 15);
    missing = () => false;
    stub = await startYahoo({
      dataDir: undefined,
      now: () => now,
      lacks: (_symbol, interval, time) => missing(interval, time),
    });
    context = { db, clock, book: createInstrumentBook(), source: source() };
  });

  const source = () =>
    createYahooSource({
      origin: stub.origin,
      clock,
      budget: createRequestBudget({ perSecond: 1_000, burst: 1_000 }),
      resilience: { retries: 1, firstDelayMs: 1, failures: 1_000, restMs: 10 },
    });
  const found = async (name: SeriesName) => {
    const { gaps, confirmedEmpty } = (await seriesGaps(context, name, scan)) ?? { gaps: null, confirmedEmpty: null };
    return { gaps: gaps?.map(({ from, to, bars }) => `${iso(from)} ${iso(to)} ${bars}`), confirmedEmpty };
  };

  it('nobody knows the gaps of a ticker that was never fetched', async () => {
    expect(await seriesGaps(context, { ticker: MADE, resolution: '1h' }, scan)).toBeNull();
  });

  it('finds exactly the bars of sessions that were lost, over a holiday and a weekend, and brings them back', async () => {
    const name: SeriesName = { ticker: MADE, resolution: '1h' };
    // The stub's market never rests; here it ends with the half day, lest what comes later counts as its late prices.
    missing = (_interval, time) => time >= at('2025-11-28T18:00:00Z') && time < at('2025-11-29T00:00:00Z');
    await backfillSeries(context, name, scan, never);
    expect(await found(name)).toEqual({ gaps: [], confirmedEmpty: 0 });
    const before = (await admin.query('SELECT * FROM stock_prices_1h ORDER BY time')).rows;

    // Thursday afternoon to Monday morning: Friday is Juneteenth; and an afternoon before Thanksgiving, in winter time.
    await removed('1h', '2026-06-18T18:00Z', '2026-06-22T14:00Z');
    await removed('1h', '2025-11-28T00:00Z', '2025-11-29T00:00Z');
    expect((await found(name)).gaps).toEqual([
      '2025-11-28T14:30 2025-11-28T17:30 4',
      '2026-06-18T18:30 2026-06-22T13:30 3',
    ]);

    stub.requests.length = 0;
    expect(await backfillSeries(context, name, scan, never)).toMatchObject({ empty: 0 });
    expect(charts()).toBe(2);
    expect((await found(name)).gaps).toEqual([]);
    const sessions = (rows: { time: Date }[]) => rows.filter(({ time }) => isSession(time.getTime() / 1_000));
    const after = (await admin.query('SELECT * FROM stock_prices_1h ORDER BY time')).rows;
    expect(sessions(after)).toEqual(sessions(before));
  });

  const isSession = (time: number) => {
    const hour = time % 86_400;
    return hour >= 14.5 * 3_600 && hour <= 17.5 * 3_600;
  };

  it('asks once for minutes in which nothing was traded, and remembers', async () => {
    const thin = new Set([0, 1, 2, 7, 40].map((minute) => at('2026-06-18T15:00:00Z') + minute * 60));
    missing = (interval, time) => interval === '1m' && thin.has(time);
    const name: SeriesName = { ticker: MADE, resolution: '1m' };
    expect(await backfillSeries(context, name, scan, never)).toMatchObject({ empty: 5 });
    const { rows } = await admin.query<{ minutes: number }>(
      `SELECT (extract(epoch FROM to_time - from_time) / 60 + 1)::int AS minutes FROM empty_ranges ORDER BY from_time`,
    );
    expect(rows.map(({ minutes }) => minutes)).toEqual([3, 1, 1]);
    expect(await found(name)).toEqual({ gaps: [], confirmedEmpty: 5 });

    stub.requests.length = 0;
    expect(await backfillSeries(context, name, scan, never)).toBeNull();
    expect(charts()).toBe(0);

    // The vendor has found two of them; it is asked again only when that is wanted.
    for (const time of [...thin].slice(0, 2)) thin.delete(time);
    expect(await backfillSeries(context, name, { ...scan, again: true }, never)).toMatchObject({ empty: 3 });
    expect(await found(name)).toEqual({ gaps: [], confirmedEmpty: 3 });
  });

  it('does not take a minute for empty that the vendor may still bring', async () => {
    const late = at('2026-06-22T15:58:00Z');
    missing = (interval, time) => interval === '1m' && time === late;
    const name: SeriesName = { ticker: MADE, resolution: '1m' };
    expect(await backfillSeries(context, name, scan, never)).toMatchObject({ empty: 0 });
    expect((await found(name)).gaps).toEqual(['2026-06-22T15:58 2026-06-22T15:58 1']);
    now += 30 * 60_000;
    await backfillSeries(context, name, scan, never);
    expect(await found(name)).toEqual({ gaps: [], confirmedEmpty: 1 });
  });

  it('takes nothing for empty when the reply cannot be used', async () => {
    const name: SeriesName = { ticker: MADE, resolution: '1d' };
    await backfillSeries(context, name, scan, never);
    await removed('1d', '2026-06-08', '2026-06-12');
    for (const fault of ['null-closes', '500', 'html'] as const) {
      stub.fault = fault;
      await backfillSeries(context, name, scan, never).catch(() => undefined);
      expect((await found(name)).gaps, fault).toEqual(['2026-06-08T00:00 2026-06-12T00:00 5']);
    }
  });

  it('the ingestor finds a hole in the middle of what is stored, and fills it', async () => {
    const keep = async () => {
      const stop = new AbortController();
      const book = createInstrumentBook();
      book.learnAll(await listTickers(db));
      const history = createHistory({
        ...context,
        book,
        backfillFrom: null,
        clock: { now: clock.now, sleep: async () => stop.abort() },
      });
      history.setTickers([MADE]);
      await history.run(stop.signal);
    };
    await keep();
    expect(await removed('1m', '2026-06-17T14:00Z', '2026-06-17T14:59Z')).toBe(60);
    expect(await removed('1d', '2026-06-01', '2026-06-05')).toBe(5);
    await keep();
    for (const resolution of ['1m', '1d'] as const) {
      expect((await found({ ticker: MADE, resolution })).gaps ?? [], resolution).toEqual([]);
    }
    const { rows } = await admin.query(
      `SELECT FROM stock_prices_1m WHERE time BETWEEN '2026-06-17T14:00Z' AND '2026-06-17T14:59Z'`,
    );
    expect(rows).toHaveLength(60);
  });
});

describe('tapecast gaps and backfill', () => {
  const children: ChildProcess[] = [];
  afterEach(() => {
    for (const child of children.splice(0)) child.kill('SIGKILL');
  });

  function start(args: string[], env: Record<string, string> = {}) {
    const { PATH = '', HOME = '' } = process.env;
    const child = spawn(process.execPath, [MAIN, ...args], {
      env: {
        PATH,
        HOME,
        DATABASE_URL: test.asRole('tapecast_ingestor'),
        PRICE_SOURCE: 'yahoo',
        YAHOO_ORIGIN: stub.origin,
        VENDOR_REQUESTS_PER_SECOND: '100',
        ...env,
      },
    });
    children.push(child);
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = once(child, 'close').then(([code]) => ({ code: code as number | null, stdout, stderr }));
    return { child, ended };
  }
  const tapecast = (args: string[], env?: Record<string, string>) => start(args, env).ended;

  interface Report {
    missing: number;
    series: {
      ticker: string;
      resolution: string;
      missing?: number;
      gaps?: { from: string; to: string; bars: number }[];
    }[];
  }
  /** Gaps that ended a day ago: at this moment a bar may just have closed. */
  async function oldGaps(args: string[] = []): Promise<{ from: string; to: string; bars: number }[]> {
    const { stdout } = await tapecast(['gaps', '--json', ...args]);
    const yesterday = new Date(Date.now() - 86_400_000).toISOString();
    return (JSON.parse(stdout) as Report).series.flatMap(({ gaps = [] }) => gaps.filter(({ to }) => to < yesterday));
  }

  it('tell what is missing, fetch it within the shared budget, and then find nothing more', async () => {
    stub = await startYahoo({ dataDir: undefined });
    const unknown = await tapecast(['gaps', 'madeup']);
    expect(unknown).toMatchObject({ code: 5, stdout: expect.stringContaining('never fetched') });

    const first = await tapecast(['backfill', '--resolution', '1h', '--json']);
    expect(first).toMatchObject({ code: 0 });
    expect(JSON.parse(first.stdout)).toMatchObject({
      source: 'yahoo',
      failed: 0,
      series: [{ ticker: 'MADEUP', resolution: '1h' }],
    });
    expect((await admin.query('SELECT FROM vendor_budget')).rows).toHaveLength(1);

    const lost = await removed(
      '1h',
      new Date(Date.now() - 40 * 86_400_000).toISOString(),
      new Date(Date.now() - 30 * 86_400_000).toISOString(),
    );
    expect(lost).toBeGreaterThan(30);
    expect((await tapecast(['gaps', 'MADEUP', '--resolution', '1h'])).code).toBe(5);
    expect(await oldGaps(['--resolution', '1h'])).toHaveLength(1);
    // An hour may close in between; the next run fetches that one.
    await expect
      .poll(
        async () => {
          const people = await tapecast(['backfill', 'MADEUP', '--resolution', '1h']);
          expect(people).toMatchObject({ code: 0, stderr: expect.stringContaining('Fetching what') });
          return tapecast(['gaps', '--resolution', '1h']);
        },
        { timeout: 120_000 },
      )
      .toMatchObject({ code: 0, stdout: expect.stringContaining('Nothing is missing.') });
  });

  it('go on after a kill, and ask for nothing twice that has arrived', async () => {
    let asked = 0;
    stub = await startYahoo({
      dataDir: undefined,
      onRequest: (request) => {
        if (!request.includes('interval=1m')) return;
        asked += 1;
        if (asked === 3) children.at(-1)?.kill('SIGKILL');
      },
    });
    const from = new Date(Date.now() - 25 * 86_400_000).toISOString();
    const killed = start(['backfill', '--resolution', '1m', '--from', from]);
    expect((await killed.ended).code).toBeNull();
    const stored = Number((await admin.query('SELECT count(*) FROM stock_prices_1m')).rows[0].count);
    expect(stored).toBeGreaterThan(1_000);
    expect(await oldGaps(['--resolution', '1m', '--from', from])).not.toEqual([]);
    stub.requests.length = 0;
    // Its lease runs out.
    await expect
      .poll(() => tapecast(['backfill', '--resolution', '1m', '--from', from]), { timeout: 120_000 })
      .toMatchObject({ code: 0 });
    expect(await oldGaps(['--resolution', '1m', '--from', from])).toEqual([]);
    // Two of the four weeks were there.
    expect(charts()).toBeLessThanOrEqual(3);
  });

  it('say what is in the way', async () => {
    stub = await startYahoo({ dataDir: undefined, unknown: ['MADEUP'] });
    const refused = await tapecast(['backfill', '--resolution', '1d']);
    expect(refused).toMatchObject({ code: 5, stdout: expect.stringMatching(/MADEUP 1d: .*delisted/) });
    stub.fault = '500';
    expect(await tapecast(['backfill'])).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('goes on with the rest'),
    });
    expect(await tapecast(['backfill', '--resolution', '5m'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('1m, 1h, 1d'),
    });
    expect(await tapecast(['gaps', '--from', 'yesterday'])).toMatchObject({ code: 2 });
    expect(await tapecast(['gaps', 'NOBODY'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('tickers add'),
    });
    expect(await tapecast(['backfill', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--again'),
    });
    await holdLease(db, { name: 'backfill', holder: randomUUID(), seconds: 300 });
    expect(await tapecast(['backfill'])).toMatchObject({ code: 4, stderr: expect.stringContaining('Another program') });
  });
});
