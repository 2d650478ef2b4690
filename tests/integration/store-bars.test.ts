/** Bars: written, read, aggregated, withdrawn, on a real PostgreSQL. */
import { type Ticker } from '@tapecast/contracts/ticker';
import { revision, type UnixSeconds, unixSeconds } from '@tapecast/contracts/units';
import { readChanges, readClosedCloses, readRange, readSeries, streamLines } from '@tapecast/db/bars';
import { type Database, openDatabase } from '@tapecast/db/database';
import { ensureTickers } from '@tapecast/db/tickers';
import { type PriceRow, withdrawBars, writeBars } from '@tapecast/db/write-bars';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let server: TestDatabase;
let db: Database;
const AAPL = 'AAPL' as Ticker;
const START = unixSeconds(Date.UTC(2026, 10, 16) / 1_000); // a Monday

beforeAll(async () => {
  server = await createDatabase();
  db = openDatabase({ url: server.url, applicationName: 'test' });
  await ensureTickers(db, [AAPL, 'MSFT']);
});
beforeEach(async () => {
  await sql`TRUNCATE stock_prices_1m, stock_prices_1h, stock_prices_1d`.execute(db.kysely);
});
afterAll(async () => {
  await db.close();
  await server.drop();
});

function bar(time: number, close: number, more: Partial<PriceRow> = {}): PriceRow {
  const time_ = unixSeconds(time);
  return {
    time: time_,
    ticker: AAPL,
    open: close,
    high: close + 1,
    low: close - 0.5,
    close,
    closeAdj: null,
    volume: 10,
    source: 'test',
    ...more,
  };
}

async function head(resolution: '1m' | '1h' | '1d' = '1m'): Promise<number> {
  return (await readSeries(db, { ticker: AAPL, resolution, limit: 1 }))?.revision ?? -1;
}

describe('writing', () => {
  it('keeps every digit of a double', async () => {
    const close = 0.1 + 0.2;
    await writeBars(db, '1m', [
      bar(START, close, { open: 1e-9, low: 1e-9, high: 1.7976931348623157e308, volume: 123_456_789_012 }),
    ]);
    const page = await readSeries(db, { ticker: AAPL, resolution: '1m', limit: 10 });
    expect(page?.bars).toEqual([[START, 1e-9, 1.7976931348623157e308, 1e-9, close, 123_456_789_012]]);
  });

  it('raises the revision once a statement, and not at all without news', async () => {
    const before = await head();
    const rows = [bar(START, 10), bar(START + 60, 11)];
    expect(await writeBars(db, '1m', rows)).toEqual({ changed: 2 });
    expect(await head()).toBe(before + 1);
    expect(await writeBars(db, '1m', rows)).toEqual({ changed: 0 });
    expect(await head()).toBe(before + 1);
  });

  it('takes the later of two rows with one key', async () => {
    await writeBars(db, '1m', [bar(START, 10), bar(START, 12)]);
    const page = await readSeries(db, { ticker: AAPL, resolution: '1m', limit: 10 });
    expect(page?.bars.map((row) => row[4])).toEqual([12]);
  });

  it.each([
    ['a NaN price', { close: Number.NaN }],
    ['an infinite price', { high: Number.POSITIVE_INFINITY }],
    ['a zero price', { low: 0 }],
    ['high below low', { high: 1, low: 2 }],
    ['a negative volume', { volume: -1 }],
  ])('refuses %s, whoever writes it', async (_what, wrong) => {
    await expect(writeBars(db, '1m', [bar(START, 10), bar(START + 60, 10, wrong)])).rejects.toThrow(/violates check/);
    expect((await readSeries(db, { ticker: AAPL, resolution: '1m', limit: 10 }))?.bars).toEqual([]);
  });
});

describe('reading', () => {
  it('answers null for a ticker that nobody knows', async () => {
    expect(await readSeries(db, { ticker: 'NOPE', resolution: '1h', limit: 10 })).toBeNull();
  });

  it('gives the newest bars of a range, rising', async () => {
    await writeBars(
      db,
      '1h',
      Array.from({ length: 10 }, (_, i) => bar(START + i * 3_600, 10 + i)),
    );
    const page = await readSeries(db, { ticker: AAPL, resolution: '1h', limit: 3, to: unixSeconds(START + 5 * 3_600) });
    expect(page?.bars.map((row) => row[4])).toEqual([13, 14, 15]);
  });

  it('changes after a revision are every bar that changed since, withdrawn ones as nulls', async () => {
    await writeBars(db, '1m', [bar(START, 10), bar(START + 7_200, 11)]);
    const held = await head();
    await writeBars(db, '1m', [bar(START + 7_260, 12)]);
    await withdrawBars(db, '1m', AAPL, [unixSeconds(START + 7_200)]);
    const changes = await readChanges(db, { ticker: AAPL, resolution: '1m', after: revision(held) });
    expect(changes?.revision).toBe(held + 2);
    expect(changes?.bars).toEqual([
      [START + 7_200, null, null, null, null, null],
      [START + 7_260, 12, 13, 11.5, 12, 10],
    ]);
    const snapshot = await readSeries(db, { ticker: AAPL, resolution: '1m', limit: 10 });
    expect(snapshot?.bars.map((row) => row[0])).toEqual([START, START + 7_260]);
  });

  it('says when more changed than the limit', async () => {
    await writeBars(
      db,
      '1m',
      Array.from({ length: 30 }, (_, i) => bar(START + i * 60, 10)),
    );
    const changes = await readChanges(db, { ticker: AAPL, resolution: '1m', after: revision(0), limit: 20 });
    expect(changes).toMatchObject({ complete: false, bars: [] });
    expect(await readChanges(db, { ticker: AAPL, resolution: '1m', after: revision(0), limit: 30 })).toMatchObject({
      complete: true,
    });
  });

  it('gives the forecaster closes up to a bar', async () => {
    await writeBars(db, '1h', [bar(START, 10), bar(START + 3_600, 11), bar(START + 7_200, 12)]);
    const closes = await readClosedCloses(db, {
      ticker: AAPL,
      resolution: '1h',
      until: unixSeconds(START + 3_600),
      limit: 10,
    });
    expect(closes).toEqual([
      { time: START, close: 10 },
      { time: START + 3_600, close: 11 },
    ]);
  });
});

describe('derived resolutions', () => {
  const minutes = Array.from({ length: 37 }, (_, i) =>
    bar(START + i * 60, 10 + ((i * 7) % 5), { high: 20 + i, low: 5 - i / 100, volume: i + 1 }),
  );

  it('equal the view and a computation by hand, from the first to the current bar', async () => {
    await writeBars(db, '1m', minutes);
    for (const resolution of ['5m', '15m'] as const) {
      const width = resolution === '5m' ? 5 : 15;
      const expected = [];
      for (let start = 0; start < minutes.length; start += width) {
        const part = minutes.slice(start, start + width);
        expected.push([
          START + start * 60,
          part[0]?.open,
          Math.max(...part.map((row) => row.high)),
          Math.min(...part.map((row) => row.low)),
          part.at(-1)?.close,
          part.reduce((sum, row) => sum + (row.volume ?? 0), 0),
        ]);
      }
      const page = await readSeries(db, { ticker: AAPL, resolution, limit: 100 });
      expect(page?.bars).toEqual(expected);
      const two = await readSeries(db, { ticker: AAPL, resolution, limit: 2 });
      expect(two?.bars).toEqual(expected.slice(-2));
      const { rows } = await sql`
        SELECT extract(epoch FROM time)::bigint AS time, open, high, low, close, volume
        FROM ${sql.table(`stock_prices_${resolution}`)} WHERE ticker = ${AAPL} ORDER BY time`.execute(db.kysely);
      expect(rows.map((row) => Object.values(row as object))).toEqual(expected);
    }
  });

  it('widen a range to whole bars', async () => {
    await writeBars(db, '1m', minutes);
    const page = await readRange(db, {
      ticker: AAPL,
      resolution: '5m',
      from: unixSeconds(START + 420),
      to: unixSeconds(START + 420),
    });
    expect(page?.bars.map((row) => row[0])).toEqual([START + 300]);
    expect(page?.bars[0]?.[5]).toBe(6 + 7 + 8 + 9 + 10);
  });

  it('are withdrawn with the last of their bars', async () => {
    await writeBars(db, '1m', minutes);
    const held = await head();
    await withdrawBars(
      db,
      '1m',
      AAPL,
      [0, 1, 2, 3, 4].map((i) => unixSeconds(START + i * 60)),
    );
    const changes = await readChanges(db, { ticker: AAPL, resolution: '5m', after: revision(held) });
    expect(changes?.bars[0]).toEqual([START, null, null, null, null, null]);
    expect((await readSeries(db, { ticker: AAPL, resolution: '5m', limit: 100 }))?.bars[0]?.[0]).toBe(START + 300);
  });

  it('weeks begin on the Monday of the exchange-local date', async () => {
    const days = [0, 1, 4, 7, 8].map((day) => bar(START + day * 86_400, 10 + day));
    await writeBars(db, '1d', days);
    const page = await readSeries(db, { ticker: AAPL, resolution: '1w', limit: 10 });
    expect(page?.bars.map((row) => [row[0], row[1], row[4]])).toEqual([
      [START, 10, 14],
      [START + 7 * 86_400, 17, 18],
    ]);
  });
});

it('streams a long range in pages, derived bars whole', async () => {
  const many = Array.from({ length: 10_007 }, (_, i) => bar(START + i * 60, 10 + (i % 3)));
  await writeBars(db, '1m', many);
  const collect = async (resolution: '1m' | '15m'): Promise<UnixSeconds[]> => {
    const times: UnixSeconds[] = [];
    for await (const page of streamLines(db, { ticker: AAPL, resolution })) {
      const lines = page.lines.trimEnd().split('\n');
      expect(lines).toHaveLength(page.rows);
      times.push(...lines.map((line) => unixSeconds(Date.parse(line.split(',')[0] ?? '') / 1_000)));
    }
    return times;
  };
  expect(await collect('1m')).toEqual(many.map((row) => row.time));
  expect(await collect('15m')).toEqual(Array.from({ length: Math.ceil(10_007 / 15) }, (_, i) => START + i * 900));
});
