/** Every way in which a client's picture could come apart from the rows, and does not. */
import type { Ticker } from '@tapecast/contracts/ticker';
import type { Epoch, Revision } from '@tapecast/contracts/units';
import { withdrawBars } from '@tapecast/db/write-bars';
import { unixSeconds } from '@tapecast/contracts/units';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import {
  collect,
  connected,
  createWorld,
  expectClientsEqualRows,
  subscribe,
  T0,
  watch,
  type World,
} from './hub-world.ts';

let world: World;
let next = 0;
/** A ticker of its own for each test. */
async function newTicker(): Promise<string> {
  const ticker = `T${(next += 1)}`;
  await world.sql('INSERT INTO stock_tickers (ticker) VALUES ($1)', [ticker]);
  return ticker;
}
beforeAll(async () => {
  world = await createWorld();
});
afterAll(async () => {
  await world.close();
});

it('gives a snapshot, then every change with prev and revision', async () => {
  const ticker = await newTicker();
  await world.write('1m', ticker, [
    [T0, 10],
    [T0 + 60, 11],
  ]);
  const socket = world.socket();
  await connected(socket);
  const changes = collect(socket);
  const ack = await subscribe(socket, [{ ticker, resolution: '1m' }]);
  expect(ack).toMatchObject({
    ok: true,
    series: [
      {
        ticker,
        resolution: '1m',
        revision: 1,
        mode: 'snapshot',
        bars: [
          [T0, 10, 10, 10, 10, 1],
          [T0 + 60, 11, 11, 11, 11, 1],
        ],
      },
    ],
  });
  await world.write('1m', ticker, [[T0 + 60, 12]]);
  await vi.waitFor(() => expect(changes).toHaveLength(1), { timeout: 10_000 });
  expect(changes[0]).toMatchObject({ prev: 1, revision: 2, bars: [[T0 + 60, 12, 12, 12, 12, 1]] });
  await world.write('1m', ticker, [[T0 + 120, 13]]);
  await vi.waitFor(() => expect(changes).toHaveLength(2), { timeout: 10_000 });
  expect(changes[1]).toMatchObject({ prev: 2, revision: 3 });
});

it('resumes from a held revision, and gives a snapshot for another epoch or a revision that never was', async () => {
  const ticker = await newTicker();
  await world.write('1h', ticker, [[T0, 10]]);
  await world.write('1h', ticker, [[T0 + 3_600, 11]]);
  const socket = world.socket();
  await connected(socket);
  const ask = async (more: object) => {
    const ack = await subscribe(socket, [{ ticker, resolution: '1h', ...more }]);
    if (!ack.ok) throw new Error(ack.error.message);
    return { epoch: ack.epoch, series: ack.series[0] };
  };
  const { epoch } = await ask({});
  expect((await ask({ epoch, revision: 1 })).series).toMatchObject({ mode: 'resume', revision: 2 });
  expect((await ask({ epoch, revision: 2 })).series).toMatchObject({ mode: 'resume', revision: 2, bars: [] });
  expect((await ask({ epoch, revision: 3 as Revision })).series).toMatchObject({ mode: 'snapshot', revision: 2 });
  // Also where the revision happens to be the newest, for which nothing would be read.
  expect((await ask({ epoch: 'other' as Epoch, revision: 2 })).series).toMatchObject({ mode: 'snapshot', revision: 2 });
  expect((await ask({ epoch: 'other' as Epoch, revision: 1 })).series).toMatchObject({ mode: 'snapshot', revision: 2 });
});

it('takes a withdrawn bar away, in native and derived resolutions', async () => {
  const ticker = await newTicker();
  await world.write('1m', ticker, [
    [T0, 10],
    [T0 + 60, 11],
    [T0 + 300, 12],
  ]);
  const client = world.client();
  const minutes = watch(client, ticker, '1m');
  const fives = watch(client, ticker, '5m');
  await expectClientsEqualRows(world, [minutes], ticker, '1m');
  await expectClientsEqualRows(world, [fives], ticker, '5m');
  expect(fives.bars()).toHaveLength(2);
  await withdrawBars(world.db, '1m', ticker, [unixSeconds(T0 + 300)]);
  await vi.waitFor(() => expect(minutes.bars()).toHaveLength(2), { timeout: 10_000 });
  await vi.waitFor(() => expect(fives.bars()).toHaveLength(1), { timeout: 10_000 });
  await expectClientsEqualRows(world, [fives], ticker, '5m');
});

it('keeps derived series equal to what is derived from the rows while they change', async () => {
  const ticker = await newTicker();
  const client = world.client();
  const watchers = (['5m', '15m'] as const).map((resolution) => ({
    resolution,
    seen: watch(client, ticker, resolution),
  }));
  const weeks = watch(client, ticker, '1w');
  for (let minute = 0; minute < 40; minute += 1)
    await world.write('1m', ticker, [[T0 + 60 * minute, 10 + (minute % 7)]]);
  const day = Date.UTC(2026, 10, 2) / 1_000;
  for (let index = 0; index < 12; index += 1) await world.write('1d', ticker, [[day + 86_400 * index, 5 + index]]);
  for (const { resolution, seen } of watchers) await expectClientsEqualRows(world, [seen], ticker, resolution);
  await expectClientsEqualRows(world, [weeks], ticker, '1w');
  expect(weeks.bars().length).toBeGreaterThan(1);
});

it('finds a change whose NOTIFY was lost, and the last one before a silence', async () => {
  const ticker = await newTicker();
  await world.write('1m', ticker, [[T0, 10]]);
  const seen = watch(world.client(), ticker, '1m');
  await expectClientsEqualRows(world, [seen], ticker, '1m');
  const lostBefore = await world.metric('hints_lost_total');
  // The revision is raised as the trigger does it, but nobody is told.
  const writeSilently = async (close: number) => {
    await world.sql('BEGIN');
    await world.sql('SET LOCAL session_replication_role = replica');
    await world.sql('UPDATE stock_prices_1m SET open = $2, high = $2, low = $2, close = $2 WHERE ticker = $1', [
      ticker,
      close,
    ]);
    await world.sql(`UPDATE series SET revision = revision + 1 WHERE ticker = $1 AND resolution = '1m'`, [ticker]);
    await world.sql(
      `UPDATE series_changes c SET revision = s.revision FROM series s
       WHERE c.ticker = $1 AND s.ticker = $1 AND c.resolution = '1m' AND s.resolution = '1m'`,
      [ticker],
    );
    await world.sql('COMMIT');
  };
  await writeSilently(20);
  await expectClientsEqualRows(world, [seen], ticker, '1m');
  expect(seen.bars()[0]?.[4]).toBe(20);
  expect(await world.metric('hints_lost_total')).toBeGreaterThan(lostBefore);
  // A hint that follows a lost one: its prev is above what the hub has told.
  await writeSilently(30);
  await world.write('1m', ticker, [[T0 + 60, 11]]);
  await expectClientsEqualRows(world, [seen], ticker, '1m');
  expect(seen.snapshots).toBe(1);
});

it('takes an UPDATE typed into psql', async () => {
  const ticker = await newTicker();
  await world.write('1d', ticker, [[T0 - (T0 % 86_400), 10]]);
  const seen = watch(world.client(), ticker, '1d');
  await expectClientsEqualRows(world, [seen], ticker, '1d');
  await world.sql('UPDATE stock_prices_1d SET close = 10.000000001, high = 11 WHERE ticker = $1', [ticker]);
  await vi.waitFor(() => expect(seen.bars()[0]?.[4]).toBe(10.000000001), { timeout: 10_000 });
  await expectClientsEqualRows(world, [seen], ticker, '1d');
});

it('survives NOTIFYs that are no JSON, or not what the contract says', async () => {
  const ticker = await newTicker();
  const seen = watch(world.client(), ticker, '1m');
  await vi.waitFor(() => expect(seen.snapshots).toBe(1), { timeout: 10_000 });
  const before = await world.metric('hints_malformed_total');
  await world.sql(`SELECT pg_notify('tapecast_bars', 'no json'), pg_notify('tapecast_bars', '{"epoch":7}')`);
  await world.write('1m', ticker, [[T0, 10]]);
  await expectClientsEqualRows(world, [seen], ticker, '1m');
  expect(await world.metric('hints_malformed_total')).toBe(before + 2);
});

it('delivers a statement that touches more bars than NOTIFY or a frame can carry', async () => {
  const ticker = await newTicker();
  const seen = watch(world.client(), ticker, '1m', 10_000);
  await vi.waitFor(() => expect(seen.snapshots).toBe(1), { timeout: 10_000 });
  await world.sql(
    `INSERT INTO stock_prices_1m (time, ticker, open, high, low, close, volume, source)
     SELECT to_timestamp($2::bigint - 60 * n), $1, 1 + n, 1 + n, 1 + n, 1 + n, n, 'test' FROM generate_series(1, 5000) n`,
    [ticker, T0],
  );
  await expectClientsEqualRows(world, [seen], ticker, '1m');
  expect(seen.bars()).toHaveLength(5_000);
});

it('makes everyone begin anew after a TRUNCATE and a DELETE', async () => {
  const ticker = await newTicker();
  await world.write('1h', ticker, [
    [T0, 10],
    [T0 + 3_600, 11],
  ]);
  const watchers = [world.client(), world.client(), world.client()].map((client) => watch(client, ticker, '1h'));
  await expectClientsEqualRows(world, watchers, ticker, '1h');
  await world.sql('DELETE FROM stock_prices_1h WHERE ticker = $1 AND close = 11', [ticker]);
  await expectClientsEqualRows(world, watchers, ticker, '1h');
  for (const watcher of watchers) expect(watcher.bars()).toHaveLength(1);
  await world.sql('TRUNCATE stock_prices_1h');
  await expectClientsEqualRows(world, watchers, ticker, '1h');
  for (const watcher of watchers) expect(watcher.bars()).toHaveLength(0);
  await world.write('1h', ticker, [[T0, 12]]);
  await expectClientsEqualRows(world, watchers, ticker, '1h');
});

it('notices a database that was set back, and renews the epoch', async () => {
  const ticker = await newTicker();
  for (const close of [10, 11, 12]) await world.write('1h', ticker, [[T0, close]]);
  const seen = watch(world.client(), ticker, '1h');
  await expectClientsEqualRows(world, [seen], ticker, '1h');
  const epoch = world.services.hub.epoch;
  await world.sql('BEGIN');
  await world.sql('SET LOCAL session_replication_role = replica');
  await world.sql('UPDATE stock_prices_1h SET open = 5, high = 5, low = 5, close = 5 WHERE ticker = $1', [ticker]);
  await world.sql(`UPDATE series SET revision = 1 WHERE ticker = $1`, [ticker]);
  await world.sql('COMMIT');
  await expectClientsEqualRows(world, [seen], ticker, '1h');
  expect(seen.bars()[0]?.[4]).toBe(5);
  expect(world.services.hub.epoch).not.toBe(epoch);
});

it('resumes every client after the hub was restarted, with what was written meanwhile', async () => {
  const ticker = await newTicker();
  await world.write('1m', ticker, [[T0, 10]]);
  const watchers = Array.from({ length: 5 }, () => watch(world.client(), ticker, '1m'));
  await expectClientsEqualRows(world, watchers, ticker, '1m');
  const restarting = world.restartHub();
  for (let minute = 1; minute < 20; minute += 1) await world.write('1m', ticker, [[T0 + 60 * minute, minute]]);
  await restarting;
  await expectClientsEqualRows(world, watchers, ticker, '1m');
  for (const watcher of watchers) expect(watcher.snapshots).toBe(1);
});

it('leaves no gap between a state read during writes and the changes that follow it', async () => {
  const ticker = await newTicker();
  await world.write('1m', ticker, [[T0, 1]]);
  let writing = true;
  const writers = [0, 1].map(async (writer) => {
    for (let index = 0; writing; index += 1)
      await world.write('1m', ticker, [[T0 + 60 * (index % 30), 1 + index + writer / 2]]);
  });
  const clients = Array.from({ length: 8 }, () => world.socket());
  await Promise.all(clients.map(connected));
  // A slow way back from the database: states are old when they arrive, and others join reads that are under way.
  const { reads } = world.services.hub.pages;
  const share = reads.share.bind(reads);
  reads.share = (key, read) =>
    share(key, async () => {
      const answer = await read();
      await new Promise((resolve) => setTimeout(resolve, 30));
      return answer;
    });
  for (let round = 0; round < 6; round += 1) {
    const outcomes = await Promise.all(
      clients.map(async (socket, index) => {
        await new Promise((resolve) => setTimeout(resolve, 12 * index));
        const changes = collect(socket);
        const ack = await subscribe(socket, [{ ticker, resolution: '1m' }]);
        const [state] = ack.ok ? ack.series : [];
        if (state === undefined || 'error' in state) throw new Error('refused');
        const expected = state.revision + 3;
        await vi.waitFor(() => expect(changes.at(-1)?.revision).toBeGreaterThan(expected), { timeout: 10_000 });
        socket.off('bars');
        // A client of ours would mend a gap by asking; here there must be none to mend.
        let held = state.revision;
        const gaps: string[] = [];
        for (const { prev, revision } of changes) {
          if (revision <= held) continue;
          if (prev > held) gaps.push(`${held} < ${prev}`);
          held = revision;
        }
        return gaps;
      }),
    );
    expect(outcomes.flat()).toEqual([]);
  }
  writing = false;
  reads.share = share;
  await Promise.all(writers);
});

it('gives nobody a state that is older than the stream, although it joins a read that began before', async () => {
  const ticker = await newTicker();
  await world.write('1m', ticker, [[T0, 1]]);
  const { pages } = world.services.hub;
  const share = pages.reads.share.bind(pages.reads);
  const read = Promise.withResolvers<true>();
  const joined = Promise.withResolvers<true>();
  const release = Promise.withResolvers<true>();
  let asked = 0;
  pages.reads.share = async (key, query) => {
    if (!key.includes(`snapshot ${ticker} `)) return share(key, query);
    asked += 1;
    if (asked === 2) joined.resolve(true);
    if (asked > 1) return share(key, query);
    return share(key, async () => {
      const answer = await query();
      read.resolve(true);
      await release.promise;
      return answer;
    });
  };
  try {
    const [early, late] = [world.socket(), world.socket()] as const;
    await Promise.all([connected(early), connected(late)]);
    const before = await world.metric('subscriptions');
    early.emit('subscribe', { series: [{ ticker, resolution: '1m' }] }, () => undefined);
    await read.promise;
    await world.write('1m', ticker, [[T0, 2]]);
    const heads = () => world.services.hub.statusOf(ticker as Ticker).heads;
    await vi.waitFor(() => expect(heads()['1m']).toBe(2), { timeout: 10_000 });
    // With it goes what the hub remembered of the change: who comes now could not be told.
    early.close();
    await vi.waitFor(async () => expect(await world.metric('subscriptions')).toBe(before), { timeout: 10_000 });
    const answer = subscribe(late, [{ ticker, resolution: '1m' }]);
    await joined.promise;
    release.resolve(true);
    expect(await answer).toMatchObject({ ok: true, series: [{ revision: 2, bars: [[T0, 2, 2, 2, 2, 1]] }] });
  } finally {
    release.resolve(true);
    pages.reads.share = share;
  }
});
