/** Splits and dividends: kept, adjusted for, and seen by whoever watches. */
import { NATIVE_RESOLUTIONS } from '@tapecast/contracts/resolution';
import { listActions, recordActions } from '@tapecast/db/corporate-actions';
import { adjustForSplits, listPendingRestatements } from '@tapecast/db/restatements';
import { withdrawBars, writeBars } from '@tapecast/db/write-bars';
import { unixSeconds } from '@tapecast/contracts/units';
import { createQuoteWriter } from '@tapecast/ingest/write';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createWorld, expectClientsEqualRows, row, watch, type World } from './hub-world.ts';
import { createRepairWorld, DAY, dayKey, largestStep, type RepairWorld, SHARE, stubDay } from './repair-world.ts';

/** The work of a few seconds; a busy machine may take its time. */
const PATIENCE = 240_000;
const never = new AbortController().signal;
let live: World;
let world: RepairWorld;
beforeEach(async () => {
  live = await createWorld({ tickers: [] });
  world = await createRepairWorld(live.db);
});
afterEach(async () => {
  await world.close();
  await live.close();
});

const restatements = async () => {
  const { rows } = await live.sql(
    `SELECT kind, resolution, adjusted_bars::int AS adjusted, fetched_at IS NOT NULL AS done FROM restatements ORDER BY kind, resolution`,
  );
  return rows;
};
/** A split that the vendor tells of from now on, with today as its ex-date. */
const splitToday = () => world.stub.split(SHARE, { date: stubDay('2026-06-17'), numerator: 4, denominator: 1 });

describe('a split announced today', () => {
  it(
    'leaves no cliff in any resolution, is done once, and every client ends with exactly the rows',
    async () => {
      await world.keepHistory();
      const before = await Promise.all(NATIVE_RESOLUTIONS.map((resolution) => world.bars(resolution)));
      const watchers = NATIVE_RESOLUTIONS.map((resolution) => watch(live.client(), SHARE, resolution, 10_000));
      await expect.poll(() => watchers.every(({ snapshots }) => snapshots > 0), { timeout: 20_000 }).toBe(true);

      splitToday();
      world.now += 3_600_000;
      const done: string[] = [];
      await world.keepHistory({
        onRestated: ({ resolution }, { adjusted }) => done.push(`${resolution} ${adjusted > 0}`),
      });
      expect(done[0]).toBe('1d true');
      expect(done.toSorted()).toEqual(['1d true', '1h true', '1m true']);
      for (const [place, resolution] of NATIVE_RESOLUTIONS.entries()) {
        const after = await world.bars(resolution);
        expect(after.length, resolution).toBeGreaterThanOrEqual(before[place]?.length ?? 0);
        expect(largestStep(after), resolution).toBeLessThan(1.2);
        const [first] = before[place] ?? [];
        expect(after.find(([time]) => time === first?.[0])?.[4]).toBeCloseTo((first?.[4] ?? 0) / 4, 1);
      }
      for (const [place, resolution] of NATIVE_RESOLUTIONS.entries())
        await expectClientsEqualRows(live, watchers.slice(place, place + 1), SHARE, resolution, 30_000);

      // The next look finds nothing to do.
      world.stub.requests.length = 0;
      const again: unknown[] = [];
      const heads = await live.sql('SELECT * FROM series ORDER BY 1, 2');
      await world.keepHistory({ onRestated: (series) => again.push(series) });
      expect(again).toEqual([]);
      expect((await live.sql('SELECT * FROM series ORDER BY 1, 2')).rows).toEqual(heads.rows);
      expect((await restatements()).every(({ done }) => done)).toBe(true);
      const { rows } = await live.sql(`SELECT state FROM bar_repairs WHERE state IN ('repaired', 'flagged')`);
      expect(rows).toEqual([]);
    },
    PATIENCE,
  );

  it(
    'goes on where a killed ingestor stopped, and divides nothing twice',
    async () => {
      await world.keepHistory();
      const before = await world.bars('1m');
      splitToday();
      world.now += 3_600_000;
      // Killed at each of its requests in turn: what was written until then stays.
      for (let kill = 0; kill < 3; kill += 1) {
        const stop = new AbortController();
        let requests = 0;
        const count = world.stub.requests.length;
        const source = world.source;
        world.source = {
          ...source,
          bars: async function* (query, signal) {
            for await (const page of source.bars(query, signal)) {
              if (requests++ >= kill) stop.abort(new Error('killed'));
              yield page;
            }
          },
        };
        await world.keepHistory({}, stop).catch(() => undefined);
        world.source = source;
        expect(world.stub.requests.length).toBeGreaterThanOrEqual(count);
      }
      await world.keepHistory();
      expect((await restatements()).every(({ done }) => done)).toBe(true);
      for (const resolution of NATIVE_RESOLUTIONS) expect(largestStep(await world.bars(resolution))).toBeLessThan(1.2);
      const after = await world.bars('1m');
      expect(after.find(([time]) => time === before[0]?.[0])?.[4]).toBeCloseTo((before[0]?.[4] ?? 0) / 4, 1);
    },
    PATIENCE,
  );

  it('is looked for as soon as a quote names another close of yesterday', async () => {
    const writer = createQuoteWriter({ db: live.db, source: 'yahoo', pollSeconds: 1, book: world.book });
    const poll = async () => {
      const reply = await world.source.quotes([SHARE], never);
      return writer.write({ receivedAt: world.now, reply });
    };
    expect((await poll()).restated).toEqual([]);
    splitToday();
    world.now += 1_000;
    expect((await poll()).restated).toEqual([SHARE]);
    world.now += 1_000;
    expect((await poll()).restated).toEqual([]);
  });

  it('divides what still stands in old shares, bars that the vendor no longer gives too, and nothing twice', async () => {
    const day = (index: number) => dayKey('2026-03-02') + index * DAY;
    const minute = (index: number, close: number) => row(SHARE, day(index) + 15 * 3_600, close);
    const before = dayKey('2026-02-02') + 15 * 3_600;
    const withdrawn = unixSeconds(day(1) + 16 * 3_600);
    // Restated days, and minutes of which two have been restated with them; the first is older than all days.
    await writeBars(
      live.db,
      '1d',
      [0, 1, 2, 3, 4].map((index) => row(SHARE, day(index), 100 + index)),
    );
    const minutes = [minute(0, 400), minute(1, 404), minute(2, 102), minute(3, 412), minute(4, 104)];
    await writeBars(live.db, '1m', [row(SHARE, before, 398), ...minutes, row(SHARE, withdrawn, 5)]);
    await withdrawBars(live.db, '1m', SHARE, [withdrawn]);
    const split = { kind: 'split', exDate: unixSeconds(day(4)), numerator: 4, denominator: 1 } as const;
    expect(await recordActions(live.db, SHARE, [split], 'yahoo')).toEqual({ news: 1, due: 2, splitDue: 2 });
    expect(await recordActions(live.db, SHARE, [split], 'yahoo')).toEqual({ news: 0, due: 0, splitDue: 0 });
    const series = { ticker: SHARE, resolution: '1m' } as const;
    const both = await Promise.all([1, 2].map(() => adjustForSplits(live.db, series, null)));
    expect(both.map(({ adjusted }) => adjusted).toSorted()).toEqual([0, 4]);
    expect((await world.bars('1m')).map((bar) => bar[4])).toEqual([99.5, 100, 101, 102, 103, 104]);
    expect((await world.bars('1m')).map((bar) => bar[5])).toEqual([4, 4, 4, 1, 4, 1]);
    // Even if nobody had noted that it was done.
    await live.sql('UPDATE restatements SET adjusted_at = NULL');
    expect(await adjustForSplits(live.db, series, null)).toEqual({ adjusted: 0 });
  });
});

describe('a dividend', () => {
  it(
    'is kept, and lowers the adjusted closes before it and no price',
    async () => {
      await world.keepHistory();
      const prices = await world.bars('1d');
      const adjusted = async () => {
        const { rows } = await live.sql(
          `SELECT sum(close_adj) AS sum, sum(close) AS plain, count(close_adj)::int AS n FROM stock_prices_1d`,
        );
        return rows[0] as { sum: number; plain: number; n: number };
      };
      expect((await adjusted()).sum).toBeCloseTo((await adjusted()).plain, 6);
      world.stub.dividend(SHARE, { date: stubDay('2026-06-16'), amount: 2 });
      world.now += DAY * 1_000;
      await world.keepHistory();
      expect(await listActions(live.db, { ticker: SHARE })).toEqual([
        { kind: 'dividend', exDate: dayKey('2026-06-16'), amount: 2 },
      ]);
      const { sum, plain, n } = await adjusted();
      expect(sum).toBeLessThan(plain * 0.999);
      expect(n).toBeGreaterThan(1);
      expect((await world.bars('1d')).slice(0, prices.length - 1)).toEqual(prices.slice(0, -1));
      expect(await restatements()).toEqual([{ kind: 'dividend', resolution: '1d', adjusted: null, done: true }]);
      expect(await listPendingRestatements(live.db, [SHARE])).toEqual([]);
    },
    PATIENCE,
  );

  it(
    'of the past makes nothing due at the first fill',
    async () => {
      world.stub.dividend(SHARE, { date: stubDay('2026-06-16'), amount: 1 });
      world.stub.split(SHARE, { date: stubDay('2026-06-15'), numerator: 2, denominator: 1 });
      await world.keepHistory();
      expect(await listActions(live.db, { ticker: SHARE })).toHaveLength(2);
      // The minutes were there first, as the vendor had restated them: nothing of them changes.
      expect((await restatements()).filter(({ adjusted }) => adjusted > 0)).toEqual([]);
    },
    PATIENCE,
  );
});

describe('GET /api/v1/actions/{ticker}', () => {
  it(
    'tells actions of a range, and that a ticker is unknown',
    async () => {
      world.stub.dividend(SHARE, { date: stubDay('2026-06-16'), amount: 1 });
      world.stub.split(SHARE, { date: stubDay('2026-06-15'), numerator: 2, denominator: 1 });
      await world.keepHistory();
      const ask = (path: string) =>
        live.services.rest.actions(new Request(`http://x/api/v1/actions/${path}`), path.split('?')[0] ?? '');
      expect(await (await ask('ACME')).json()).toEqual({
        ticker: 'ACME',
        actions: [
          { kind: 'split', exDate: dayKey('2026-06-15'), numerator: 2, denominator: 1 },
          { kind: 'dividend', exDate: dayKey('2026-06-16'), amount: 1 },
        ],
      });
      expect(await (await ask('ACME?from=2026-06-16')).json()).toMatchObject({ actions: [{ kind: 'dividend' }] });
      expect((await ask('NOPE')).status).toBe(404);
      expect((await ask('ACME?from=never')).status).toBe(400);
    },
    PATIENCE,
  );
});
