/** What holds on every server, with TimescaleDB and without: the same functions, views, revisions and hints. */
import { BARS_CHANNEL, BarsHint } from '@tapecast/contracts/notify';
import { type Ticker } from '@tapecast/contracts/ticker';
import { revision, unixSeconds } from '@tapecast/contracts/units';
import { readChanges, readRange, readSeries, streamLines } from '@tapecast/db/bars';
import { readEpoch } from '@tapecast/db/epoch';
import { ensureTickers } from '@tapecast/db/tickers';
import { type PriceRow, withdrawBars, writeBars } from '@tapecast/db/write-bars';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest';
import { type ConformanceServer, type RunningServer } from './conformance-servers.ts';

declare module 'vitest' {
  interface TaskMeta {
    /** Versions of the server on which the test ran: named in the summary. */
    ranOn?: string;
  }
}

const AAPL = 'AAPL' as Ticker;
/** A Monday; old enough that its chunks may be compressed. */
const START = Date.UTC(2026, 2, 2, 14, 30) / 1_000;

export function conformanceSuite(server: ConformanceServer): void {
  let running: RunningServer;
  const hints: BarsHint[] = [];

  beforeAll(async () => {
    running = await server.start();
    await ensureTickers(running.db, [AAPL, 'MSFT']);
    await running.listen(BARS_CHANNEL, (payload) => hints.push(BarsHint.parse(JSON.parse(payload))));
  });
  beforeEach(async () => {
    await rows(`TRUNCATE stock_prices_1m`);
    await rows(`TRUNCATE stock_prices_1h`);
    await rows(`TRUNCATE stock_prices_1d`);
  });
  afterAll(() => running?.stop());

  async function rows<T = Record<string, unknown>>(statement: string): Promise<T[]> {
    return (await sql.raw<T>(statement).execute(running.db.kysely)).rows;
  }
  const texts = async (expression: string): Promise<unknown[]> =>
    Object.values((await rows(`SELECT ${expression}`))[0] ?? {});

  it('says what it is', async ({ task }) => {
    const [about] = await rows<{ version: string; extension: string | null }>(
      `SELECT current_setting('server_version') AS version, (SELECT extversion FROM pg_extension WHERE extname = 'timescaledb') AS extension`,
    );
    task.meta.ranOn = `${server.name}: PostgreSQL ${about?.version}, TimescaleDB ${about?.extension ?? 'none'}`;
    expect(about?.extension !== null).toBe(server.timescale);
    const hypertables = server.timescale
      ? await rows(`SELECT hypertable_name FROM timescaledb_information.hypertables WHERE hypertable_schema = 'public'`)
      : [];
    expect(hypertables.length).toBe(server.timescale ? 3 : 0);
  });

  it.each([
    ['5 minutes', '2026-03-08 06:59:59.999999Z', '2026-03-08 06:55:00'],
    ['7 minutes', '1969-12-31 23:59:59Z', '1969-12-31 23:59:00'],
    ['1 hour', '2026-11-01 05:30:00Z', '2026-11-01 05:00:00'],
    ['4 days', '2026-11-21 10:00:00Z', '2026-11-18 00:00:00'],
    ['7 days', '2026-11-22 23:59:59Z', '2026-11-16 00:00:00'],
    ['7 days', '1999-12-31 12:00:00Z', '1999-12-27 00:00:00'],
    ['1 month', '2026-03-31 23:00:00Z', '2026-03-01 00:00:00'],
    ['1 month', '1996-02-29 00:00:00Z', '1996-02-01 00:00:00'],
    ['3 months', '2026-12-31 00:00:00Z', '2026-10-01 00:00:00'],
    ['5 months', '1999-12-31 00:00:00Z', '1999-08-01 00:00:00'],
    ['1 year', '2026-06-30 00:00:00Z', '2026-01-01 00:00:00'],
    ['10 years', '1999-06-30 00:00:00Z', '1990-01-01 00:00:00'],
  ])('time_bucket(%s, %s)', async (width, time, bucket) => {
    const found = await texts(`(time_bucket('${width}', timestamptz '${time}') AT TIME ZONE 'UTC')::text`);
    expect(found).toEqual([bucket]);
  });

  it.each([
    ['1 day', '2026-03-08 06:59:00Z', 'America/New_York', '2026-03-08 05:00:00'],
    ['1 day', '2026-03-09 03:59:00Z', 'America/New_York', '2026-03-08 05:00:00'],
    ['1 day', '2026-03-09 04:00:00Z', 'America/New_York', '2026-03-09 04:00:00'],
    ['1 day', '2026-11-01 04:00:00Z', 'America/New_York', '2026-11-01 04:00:00'],
    ['1 day', '2026-11-02 04:59:59Z', 'America/New_York', '2026-11-01 04:00:00'],
    ['7 days', '2026-03-09 03:59:00Z', 'America/New_York', '2026-03-02 05:00:00'],
    ['7 days', '2026-10-26 00:30:00Z', 'Europe/Berlin', '2026-10-25 23:00:00'],
    ['1 month', '2026-04-01 03:59:00Z', 'America/New_York', '2026-03-01 05:00:00'],
    ['1 month', '2026-03-31 22:30:00Z', 'Europe/Berlin', '2026-03-31 22:00:00'],
    ['2 hours', '2026-03-29 01:30:00Z', 'Europe/Berlin', '2026-03-29 01:00:00'],
    ['1 day', '2026-06-01 18:31:00Z', 'Asia/Kolkata', '2026-06-01 18:30:00'],
  ])('time_bucket(%s, %s, %s)', async (width, time, zone, bucket) => {
    const found = await texts(`(time_bucket('${width}', timestamptz '${time}', '${zone}') AT TIME ZONE 'UTC')::text`);
    expect(found).toEqual([bucket]);
  });

  it('time_bucket() of dates', async () => {
    const found = await texts(
      `time_bucket('1 month', date '2026-03-31')::text, time_bucket('7 days', date '2026-03-08')::text AS week,
       time_bucket('1 year', date '1999-03-08')::text AS year`,
    );
    expect(found).toEqual(['2026-03-01', '2026-03-02', '1999-01-01']);
  });

  it('time_bucket() agrees with date_bin() at ten thousand times', async () => {
    const wrong = await rows(`
      SELECT t, w FROM generate_series(0, 9999) i
      CROSS JOIN LATERAL (SELECT timestamptz '1950-01-01Z' + make_interval(secs => i * 251237.654321) AS t) times
      CROSS JOIN unnest(ARRAY['1 second', '5 minutes', '15 minutes', '1 hour', '1 day', '7 days', '70 days']::interval[]) w
      WHERE time_bucket(w, t) <> date_bin(w, t, timestamptz '2000-01-03Z')`);
    expect(wrong).toEqual([]);
  });

  it('first() and last() by group, with nulls among values and times', async () => {
    const found = await rows(`
      SELECT g, first(value, at), last(value, at) FROM (VALUES
        ('a', 1.5::float8, timestamptz '2026-01-01 00:00:01.000001Z'), ('a', 2.5, '2026-01-01 00:00:01Z'), ('a', 3.5, '2026-01-01 00:00:02Z'),
        ('b', NULL, '2026-01-01Z'), ('b', 1, '2026-01-02Z'), ('b', NULL, '2026-01-03Z'),
        ('c', 7, NULL), ('c', 8, '1960-01-01Z')) v (g, value, at) GROUP BY g ORDER BY g`);
    expect(found).toEqual([
      { g: 'a', first: 2.5, last: 3.5 },
      { g: 'b', first: null, last: null },
      { g: 'c', first: 8, last: 8 },
    ]);
    expect(await rows(`SELECT first(x, t), last(x, t) FROM (SELECT 1::float8 x, now() t) v WHERE false`)).toEqual([
      { first: null, last: null },
    ]);
  });

  const minute = (index: number, close: number, more: Partial<PriceRow> = {}): PriceRow => ({
    time: unixSeconds(START + index * 60),
    ticker: AAPL,
    open: close - 0.5,
    high: close + 1,
    low: close - 1,
    close,
    closeAdj: null,
    volume: 10 + index,
    source: 'test',
    ...more,
  });
  const day = (date: string, close: number): PriceRow => ({
    ...minute(0, close),
    time: unixSeconds(Date.parse(`${date}T00:00:00Z`) / 1_000),
    closeAdj: close / 2,
  });

  it('5m, 15m and rollups are made of 1m, without the withdrawn ones', async () => {
    const bars = [0, 1, 2, 4, 5, 29, 30, 31].map((index) =>
      minute(index, 100 + index, index === 31 ? { volume: null } : {}),
    );
    await writeBars(running.db, '1m', [...bars, minute(3, 500), { ...minute(1, 50), ticker: 'MSFT' }]);
    await withdrawBars(running.db, '1m', AAPL, [unixSeconds(START + 180)]);
    const columns = `(time AT TIME ZONE 'UTC')::text AS time, open, high, low, close, volume`;
    const of = (view: string, more = ''): Promise<unknown[]> =>
      rows(`SELECT ${columns}${more} FROM ${view} WHERE ticker = 'AAPL' ORDER BY 1`);
    expect(await of('stock_prices_5m', ', close_adj, source')).toEqual([
      {
        time: '2026-03-02 14:30:00',
        open: 99.5,
        high: 105,
        low: 99,
        close: 104,
        volume: 47,
        close_adj: null,
        source: 'test',
      },
      {
        time: '2026-03-02 14:35:00',
        open: 104.5,
        high: 106,
        low: 104,
        close: 105,
        volume: 15,
        close_adj: null,
        source: 'test',
      },
      {
        time: '2026-03-02 14:55:00',
        open: 128.5,
        high: 130,
        low: 128,
        close: 129,
        volume: 39,
        close_adj: null,
        source: 'test',
      },
      {
        time: '2026-03-02 15:00:00',
        open: 129.5,
        high: 132,
        low: 129,
        close: 131,
        volume: 40,
        close_adj: null,
        source: 'test',
      },
    ]);
    expect(await of('stock_prices_15m')).toEqual([
      { time: '2026-03-02 14:30:00', open: 99.5, high: 106, low: 99, close: 105, volume: 62 },
      { time: '2026-03-02 14:45:00', open: 128.5, high: 130, low: 128, close: 129, volume: 39 },
      { time: '2026-03-02 15:00:00', open: 129.5, high: 132, low: 129, close: 131, volume: 40 },
    ]);
    expect(await of('stock_rollup_1h', ', bars::int AS bars')).toEqual([
      { time: '2026-03-02 14:00:00', open: 99.5, high: 130, low: 99, close: 129, volume: 101, bars: 6 },
      { time: '2026-03-02 15:00:00', open: 129.5, high: 132, low: 129, close: 131, volume: 40, bars: 2 },
    ]);
    const [rolled] = await rows(
      `SELECT (time AT TIME ZONE 'UTC')::text AS time, open, close, volume, turnover, bars::int AS bars FROM stock_rollup_1d WHERE ticker = 'AAPL'`,
    );
    const turnover = bars.reduce((sum, { close, volume }) => sum + close * (volume ?? 0), 0);
    expect(rolled).toEqual({ time: '2026-03-02 00:00:00', open: 99.5, close: 131, volume: 141, turnover, bars: 8 });
    expect((await rows(`SELECT FROM stock_prices WHERE resolution = '1m'`)).length).toBe(9);
  });

  it('the last day of all tickers, in the views: equal to the bars, and without reading all of them', async () => {
    await rows(`INSERT INTO stock_prices_1m (time, ticker, open, high, low, close, volume, source)
      SELECT timestamptz '2026-02-02 14:30Z' + make_interval(days => d, mins => m), t, 10 + m % 7, 20, 5, 11 + d % 5, m, 'test'
      FROM generate_series(0, 19) d CROSS JOIN generate_series(0, 389) m CROSS JOIN unnest(ARRAY['AAPL', 'MSFT', 'TSLA']) t ORDER BY 1, 2`);
    await rows(`VACUUM ANALYZE stock_prices_1m`);
    for (const [view, width] of [
      ['stock_prices_5m', '5 minutes'],
      ['stock_prices_15m', '15 minutes'],
    ] as const) {
      const since = `time > timestamptz '2026-02-21 14:00Z'`;
      const wanted = await rows(`
        SELECT date_bin('${width}', time, timestamptz '2000-01-03Z') AS start, ticker, (array_agg(open ORDER BY time))[1] AS open,
          (array_agg(close ORDER BY time DESC))[1] AS close, sum(volume) AS volume
        FROM stock_prices_1m WHERE ${since} GROUP BY 1, 2 ORDER BY 1, 2`);
      expect(wanted.length).toBe((3 * 390) / Number.parseInt(width, 10));
      const asked = `SELECT time AS start, ticker, open, close, volume FROM ${view} WHERE ${since} ORDER BY 1, 2`;
      expect(await rows(asked)).toEqual(wanted);
      const [plan] = await rows<{ 'QUERY PLAN': { Plan: PlanNode }[] }>(`EXPLAIN (ANALYZE, FORMAT JSON) ${asked}`);
      expect(rowsRead(plan?.['QUERY PLAN'][0]?.Plan)).toBeLessThan((20 * 3 * 390) / 2);
    }
  }, 90_000);

  it('weeks begin on Monday, on both sides of every change of the clock', async () => {
    const dates = ['2026-03-06', '2026-03-08', '2026-03-09', '2026-10-30', '2026-11-01', '2026-11-02', '1999-12-31'];
    await writeBars(
      running.db,
      '1d',
      dates.map((date, index) => day(date, 10 + index)),
    );
    const weeks = await rows(
      `SELECT (time AT TIME ZONE 'UTC')::date::text AS week, open, close, close_adj FROM stock_prices_1w ORDER BY 1`,
    );
    expect(weeks).toEqual([
      { week: '1999-12-27', open: 15.5, close: 16, close_adj: 8 },
      { week: '2026-03-02', open: 9.5, close: 11, close_adj: 5.5 },
      { week: '2026-03-09', open: 11.5, close: 12, close_adj: 6 },
      { week: '2026-10-26', open: 12.5, close: 14, close_adj: 7 },
      { week: '2026-11-02', open: 14.5, close: 15, close_adj: 7.5 },
    ]);
  });

  it('raises revisions once a statement, hints with bars, and resumes exactly', async () => {
    const head = async () =>
      (await readSeries(running.db, { ticker: AAPL, resolution: '1m', limit: 1 }))?.revision ?? 0;
    const before = await head();
    await writeBars(running.db, '1m', [minute(0, 100), minute(1, 101), minute(200, 102)]);
    expect(await head()).toBe(before + 1);
    expect((await writeBars(running.db, '1m', [minute(0, 100)])).changed).toBe(0);
    expect(await head()).toBe(before + 1);

    hints.length = 0;
    const held = revision(before + 1);
    await writeBars(running.db, '1m', [minute(1, 105)]);
    await vi.waitFor(() => expect(hints.length).toBe(1));
    expect(hints[0]?.series).toMatchObject([
      {
        ticker: 'AAPL',
        resolution: '1m',
        prev: held,
        revision: held + 1,
        bars: [[START + 60, 104.5, 106, 104, 105, 11]],
      },
    ]);
    const resumed = await readChanges(running.db, { ticker: AAPL, resolution: '1m', after: held });
    expect(resumed?.revision).toBe(held + 1);
    expect(resumed?.bars.map(([time]) => time)).toEqual([START, START + 60]);
    const derived = await readChanges(running.db, { ticker: AAPL, resolution: '5m', after: held });
    expect(derived?.bars).toEqual([[START, 99.5, 106, 99, 105, 21]]);

    await withdrawBars(running.db, '1m', AAPL, [unixSeconds(START), unixSeconds(START + 60)]);
    const gone = await readChanges(running.db, { ticker: AAPL, resolution: '5m', after: revision(held + 1) });
    expect(gone?.bars).toEqual([[START, null, null, null, null, null]]);
    const left = await readSeries(running.db, { ticker: AAPL, resolution: '5m', limit: 10 });
    expect(left?.bars.map(([time]) => time)).toEqual([START + 200 * 60]);
  });

  it('an UPDATE in SQL is a change like any other; a bar that gets another key renews the epoch', async () => {
    await writeBars(running.db, '1m', [minute(0, 100), minute(1, 101)]);
    const at = await readSeries(running.db, { ticker: AAPL, resolution: '1m', limit: 10 });
    await rows(`UPDATE stock_prices_1m SET close = 99.75 WHERE ticker = 'AAPL'`);
    const changed = await readChanges(running.db, {
      ticker: AAPL,
      resolution: '1m',
      after: revision(at?.revision ?? 0),
    });
    expect(changed?.bars.map((bar) => bar[4])).toEqual([99.75, 99.75]);
    expect(changed?.epoch).toBe(at?.epoch);
    await rows(`UPDATE stock_prices_1m SET time = time + interval '1 second' WHERE close = 99.75`);
    expect(await readEpoch(running.db)).not.toBe(at?.epoch);
  });

  it('DELETE and TRUNCATE renew the epoch, also when they touch nothing', async () => {
    const seen = new Set([await readEpoch(running.db)]);
    for (const statement of [
      'DELETE FROM stock_prices_1h',
      'TRUNCATE stock_prices_1d',
      'DELETE FROM series WHERE false',
    ]) {
      await rows(statement);
      seen.add(await readEpoch(running.db));
    }
    expect(seen.size).toBe(4);
  });

  it('ranges and streams across many chunks', async () => {
    const bars = Array.from({ length: 400 }, (_, index) => ({ ...minute(index * 360, 100 + index), volume: 1 }));
    await writeBars(running.db, '1m', bars);
    const range = { from: unixSeconds(START + 86_400), to: unixSeconds(START + 3 * 86_400) };
    const page = await readRange(running.db, { ticker: AAPL, resolution: '1m', ...range });
    expect(page?.bars.map(([time]) => time)).toEqual(
      bars.map(({ time }) => time).filter((time) => time >= range.from && time <= range.to),
    );
    let streamed = 0;
    for await (const part of streamLines(running.db, { ticker: AAPL, resolution: '15m' })) streamed += part.rows;
    expect(streamed).toBe(400);
    const newest = await readSeries(running.db, { ticker: AAPL, resolution: '15m', limit: 3 });
    expect(newest?.bars.map((bar) => bar[4])).toEqual([497, 498, 499]);
  });

  it('services may do what they must and no more', async () => {
    const as = (role: string, statement: string): Promise<unknown> =>
      running.db.kysely.transaction().execute(async (transaction) => {
        await sql.raw(`SET LOCAL ROLE ${role}`).execute(transaction);
        await sql.raw(statement).execute(transaction);
      });
    const insert = `INSERT INTO stock_prices_1m VALUES ('2026-03-02 14:30Z', 'AAPL', 1, 2, 1, 1.5, NULL, 1, 'test')`;
    await as('tapecast_ingestor', insert);
    await as('tapecast_ingestor', `UPDATE stock_prices_1m SET close = 1.6`);
    for (const view of ['stock_prices', 'stock_prices_5m', 'stock_prices_1w', 'stock_rollup_1h', 'stock_rollup_1d']) {
      await as('tapecast_web', `SELECT * FROM ${view}`);
    }
    await expect(as('tapecast_ingestor', `DELETE FROM stock_prices_1m`)).rejects.toThrow(/permission denied/);
    await expect(as('tapecast_web', insert)).rejects.toThrow(/permission denied/);
    await expect(as('tapecast_forecaster', `UPDATE stock_prices_1d SET close = 1`)).rejects.toThrow(
      /permission denied/,
    );
  });
}

interface PlanNode {
  'Node Type': string;
  'Actual Rows': number;
  'Actual Loops': number;
  'Rows Removed by Filter'?: number;
  'Rows Removed by Index Recheck'?: number;
  Plans?: PlanNode[];
}

/** Rows of tables that a plan's scans looked at, kept or not. */
function rowsRead(node: PlanNode | undefined): number {
  if (node === undefined) return Number.NaN;
  const below = (node.Plans ?? []).filter(({ 'Node Type': type }) => type !== 'Bitmap Index Scan');
  if (below.length > 0) return below.reduce((sum, each) => sum + rowsRead(each), 0);
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return (node['Actual Rows'] + removed) * node['Actual Loops'];
}
