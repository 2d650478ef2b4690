/** Bars that cannot be right: found as they come, kept as evidence, mended, and put back when a person says so. */
import { openDatabase, type Database } from '@tapecast/db/database';
import { listRepairs, undoRepair } from '@tapecast/db/repair-cases';
import { writeBars } from '@tapecast/db/write-bars';
import { scanSeries } from '@tapecast/ingest/bar-repair/scan';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { row } from './hub-world.ts';
import { cases, createRepairWorld, DAY, type RepairWorld, SHARE } from './repair-world.ts';

const { signal } = new AbortController();
let test: TestDatabase;
let db: Database;
let world: RepairWorld;
beforeEach(async () => {
  test = await createDatabase();
  db = openDatabase({ url: test.asRole('tapecast_ingestor'), applicationName: 'repair test' });
  world = await createRepairWorld(db);
});
afterEach(async () => {
  await world.close();
  await db.close();
  await test.drop();
});

/** An hour of the stub in the middle of the stored ones. */
const BAD = Date.UTC(2026, 5, 16, 15, 30) / 1_000;
const barAt = async (time: number) => (await world.bars('1h')).find((bar) => bar[0] === time);
/** Time goes on, and bad bars are due to be asked for again. */
const later = async (hours: number) => {
  world.now += hours * 3_600_000;
  await db.pool.query('UPDATE bar_repairs SET recheck_at = to_timestamp($1)', [world.now / 1_000]);
};

/** The work of a second or two; a busy machine may take its time. */
const PATIENCE = 240_000;

describe('a bar that is 100 times too high', () => {
  it(
    'is repaired before anyone sees it, and told',
    async () => {
      world.stub.plant(SHARE, '1h', BAD, { times: 100 });
      await world.keepHistory();
      const found = await listRepairs(db, {});
      expect(found).toMatchObject([
        { resolution: '1h', time: BAD, rule: 'unit', state: 'repaired', changedBy: 'rule' },
      ]);
      const [repair] = found;
      const bar = await barAt(BAD);
      expect(bar?.slice(1, 5)).toEqual(repair?.new);
      expect(repair?.old.map((price) => price / 100)).toEqual(repair?.new?.map((price) => expect.closeTo(price, 9)));
      const neighbour = await barAt(BAD - 3_600);
      expect(Math.abs(Math.log((bar?.[4] ?? 0) / (neighbour?.[4] ?? 1)))).toBeLessThan(0.1);
    },
    PATIENCE,
  );

  it(
    'stays as a person has put it back, whatever the source says again',
    async () => {
      world.stub.plant(SHARE, '1h', BAD, { times: 100 });
      await world.keepHistory();
      const [repair] = await listRepairs(db, {});
      const head = async () =>
        (await db.pool.query('SELECT revision FROM series WHERE resolution = $1', ['1h'])).rows[0];
      const before = await head();
      expect(await undoRepair(db, repair?.id ?? 0)).toMatchObject({ state: 'undone', changedBy: 'tapecast_ingestor' });
      expect(await head()).not.toEqual(before);
      expect((await barAt(BAD))?.slice(1, 5)).toEqual(repair?.old);
      await expect(undoRepair(db, repair?.id ?? 0)).rejects.toThrow(/only repaired and flagged bars can be undone/);
      await later(2);
      await world.keepHistory();
      expect((await barAt(BAD))?.slice(1, 5)).toEqual(repair?.old);
      expect(await scanSeries(db, { ticker: SHARE, resolution: '1h', signal })).toMatchObject({
        found: 0,
        changed: 0,
      });
      expect(await cases(db)).toMatchObject([{ state: 'undone' }]);
    },
    PATIENCE,
  );

  it(
    'gives way to the source’s own correction',
    async () => {
      world.stub.plant(SHARE, '1h', BAD, { times: 100 });
      await world.keepHistory();
      world.stub.plant(SHARE, '1h', BAD, { close: 123.45, open: 123.4, high: 124, low: 123 });
      await later(2);
      await world.keepHistory();
      expect((await barAt(BAD))?.slice(0, 5)).toEqual([BAD, 123.4, 124, 123, 123.45]);
      const found = await listRepairs(db, {});
      expect(found.filter(({ rule }) => rule === 'unit')).toMatchObject([{ state: 'superseded', changedBy: 'source' }]);
    },
    PATIENCE,
  );

  it(
    'as the newest one is marked, and repaired as soon as the next bar has come',
    async () => {
      const newest = Date.UTC(2026, 5, 17, 14, 30) / 1_000;
      world.stub.plant(SHARE, '1h', newest, { times: 100 });
      await world.keepHistory();
      expect(await cases(db)).toEqual([{ resolution: '1h', time: newest, rule: 'unit', state: 'flagged' }]);
      await later(1);
      await world.keepHistory();
      expect(await cases(db)).toEqual([{ resolution: '1h', time: newest, rule: 'unit', state: 'repaired' }]);
    },
    PATIENCE,
  );
});

describe('a spike', () => {
  it(
    'is shown as it came and marked until the source corrects it',
    async () => {
      await world.keepHistory();
      const clean = await barAt(BAD);
      world.stub.plant(SHARE, '1h', BAD, { high: (clean?.[2] ?? 0) * 2 });
      await db.pool.query('UPDATE stock_prices_1h SET source = $1 WHERE time >= to_timestamp($2)', ['yahoo:live', BAD]);
      await later(1);
      await world.keepHistory();
      expect((await barAt(BAD))?.[2]).toBeCloseTo((clean?.[2] ?? 0) * 2, 6);
      expect(await cases(db)).toEqual([{ resolution: '1h', time: BAD, rule: 'spike', state: 'flagged' }]);
      world.stub.plant(SHARE, '1h', BAD, null);
      await later(2);
      await world.keepHistory();
      expect(await barAt(BAD)).toEqual(clean);
      expect(await cases(db)).toMatchObject([{ state: 'superseded' }]);
    },
    PATIENCE,
  );

  it(
    'that a person has accepted is marked no more',
    async () => {
      world.stub.plant(SHARE, '1h', BAD, { low: 1 });
      await world.keepHistory();
      const [found] = await listRepairs(db, {});
      expect(found).toMatchObject({ state: 'flagged', rule: 'spike', new: null });
      const before = await barAt(BAD);
      expect(await undoRepair(db, found?.id ?? 0)).toMatchObject({ state: 'undone' });
      await later(2);
      await world.keepHistory();
      expect(await barAt(BAD)).toEqual(before);
      expect(await cases(db)).toMatchObject([{ state: 'undone' }]);
    },
    PATIENCE,
  );
});

describe('zero bars and rows that come twice', () => {
  it(
    'are refused and kept as evidence; no bar is drawn of them',
    async () => {
      world.stub.plant(SHARE, '1h', BAD, { open: 0, high: 0, low: 0, close: 0 });
      await world.keepHistory();
      expect(await barAt(BAD)).toBeUndefined();
      const { rows } = await db.pool.query('SELECT reason, resolution FROM rejected_rows');
      expect(rows).toEqual([{ reason: 'not_positive', resolution: '1h' }]);
    },
    PATIENCE,
  );
});

describe('stored bars', () => {
  it(
    'that were imported are judged by a scan, once',
    async () => {
      const start = Date.UTC(2024, 0, 1) / 1_000;
      const bars = Array.from({ length: 60 }, (_, index) =>
        row(SHARE, start + index * DAY, index === 30 ? 10_000 : 100 + index / 10),
      );
      await writeBars(
        db,
        '1d',
        bars.map((bar) => ({ ...bar, source: 'csv:1' })),
      );
      const scan = () => scanSeries(db, { ticker: SHARE, resolution: '1d', signal });
      expect(await scan()).toEqual({ bars: 60, found: 1, changed: 1 });
      expect((await world.bars('1d'))[30]?.[4]).toBe(100);
      const stored = await db.pool.query('SELECT source FROM stock_prices_1d WHERE time = to_timestamp($1)', [
        start + 30 * DAY,
      ]);
      expect(stored.rows).toEqual([{ source: 'csv:1' }]);
      expect(await scan()).toEqual({ bars: 60, found: 0, changed: 0 });
      const [repair] = await listRepairs(db, { ticker: SHARE });
      await undoRepair(db, repair?.id ?? 0);
      expect(await scan()).toEqual({ bars: 60, found: 0, changed: 0 });
      expect((await world.bars('1d'))[30]?.[4]).toBe(10_000);
    },
    PATIENCE,
  );

  it(
    'can be judged by the ingestor’s role, which may delete no evidence',
    async () => {
      await expect(db.pool.query('DELETE FROM bar_repairs')).rejects.toThrow(/permission denied/);
      await expect(db.pool.query('DELETE FROM corporate_actions')).rejects.toThrow(/permission denied/);
      expect(await scanSeries(db, { ticker: SHARE, resolution: '1m', signal })).toEqual({
        bars: 0,
        found: 0,
        changed: 0,
      });
    },
    PATIENCE,
  );
});
