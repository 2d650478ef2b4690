/** packages/client against the real hub: sharing, older pages, refusals, connection state. */
import { readSeries } from '@tapecast/db/bars';
import { unixSeconds } from '@tapecast/contracts/units';
import { createClient } from '@tapecast/client/client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createWorld, expectClientsEqualRows, T0, watch, type World } from './hub-world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ tickers: ['MSFT', 'TSLA'] });
  await world.write(
    '1m',
    'MSFT',
    Array.from({ length: 50 }, (_, minute) => [T0 + 60 * minute, minute + 1]),
  );
});
afterAll(async () => {
  await world.close();
});

it('shares a series between observers: one subscription, held state for late ones, and an end with the last', async () => {
  const client = world.client();
  const first = watch(client, 'MSFT', '1m');
  await vi.waitFor(() => expect(first.snapshots).toBe(1), { timeout: 10_000 });
  const subscriptions = await world.metric('subscriptions');
  const late = watch(client, 'MSFT', '1m');
  expect(late.snapshots).toBe(1);
  expect(late.bars()).toEqual(first.bars());
  expect(late.states).toEqual(first.states.slice(-1));
  first.stop();
  await world.write('1m', 'MSFT', [[T0 + 60 * 49, 7]]);
  await expectClientsEqualRows(world, [late], 'MSFT', '1m');
  expect(first.bars().at(-1)?.[4]).toBe(50);
  expect(await world.metric('subscriptions')).toBe(subscriptions);
  late.stop();
  await vi.waitFor(async () => expect(await world.metric('subscriptions')).toBe(subscriptions - 1), {
    timeout: 10_000,
  });
});

it('merges a page of older bars, and mends by a resume what changed since the page was read', async () => {
  const client = world.client();
  const seen = watch(client, 'MSFT', '1m', 10);
  await vi.waitFor(() => expect(seen.bars()).toHaveLength(10), { timeout: 10_000 });
  const before = unixSeconds(T0 + 60 * 40);
  const page = await readSeries(world.db, {
    ticker: 'MSFT',
    resolution: '1m',
    limit: 100,
    to: unixSeconds(before - 1),
  });
  if (page === null) throw new Error('no page');
  await world.write('1m', 'MSFT', [
    [T0 + 60 * 20, 99],
    [T0 + 60 * 45, 98],
  ]);
  await vi.waitFor(() => expect(seen.bars().find(([time]) => time === T0 + 60 * 45)?.[4]).toBe(98), {
    timeout: 10_000,
  });
  expect(seen.bars()).toHaveLength(10);
  client.mergePage({ ticker: 'MSFT', resolution: '1m' }, { ...page, before, complete: true });
  expect(seen.bars()).toHaveLength(50);
  await expectClientsEqualRows(world, [seen], 'MSFT', '1m');
  expect(seen.bars().find(([time]) => time === T0 + 60 * 20)?.[4]).toBe(99);
  expect(await world.metric('answers_total')).toBeGreaterThan(0);
});

it('takes a longer snapshot when a later observer wants more', async () => {
  const client = world.client();
  const few = watch(client, 'MSFT', '1m', 5);
  await vi.waitFor(() => expect(few.bars()).toHaveLength(5), { timeout: 10_000 });
  watch(client, 'MSFT', '1m', 30);
  await vi.waitFor(() => expect(few.bars()).toHaveLength(30), { timeout: 10_000 });
});

it('tells the observer of a ticker that nobody knows, and serves it once it is there', async () => {
  const client = world.client();
  const seen = watch(client, 'NEW', '1m');
  await vi.waitFor(() => expect(seen.errors).toEqual(['unknown_ticker']), { timeout: 10_000 });
  await world.sql(`INSERT INTO stock_tickers (ticker) VALUES ('NEW')`);
  seen.stop();
  const again = watch(client, 'NEW', '1m');
  await vi.waitFor(() => expect(again.snapshots).toBe(1), { timeout: 10_000 });
});

it('never says connected while it is not', async () => {
  const nowhere = createClient({ origin: 'http://127.0.0.1:9', transports: ['websocket'] });
  await vi.waitFor(() => expect(nowhere.connection.problem).not.toBeNull(), { timeout: 10_000 });
  expect(nowhere.connection.state).toBe('connecting');
  expect(nowhere.connection.lastDataAt).toBeNull();
  nowhere.close();
  const client = world.client();
  const seen = watch(client, 'TSLA', '1m');
  await vi.waitFor(() => expect(seen.snapshots).toBe(1), { timeout: 10_000 });
  expect(client.connection).toMatchObject({ state: 'connected', problem: null });
  expect(client.connection.lastDataAt).toBeGreaterThan(0);
});
