/** A web server behind an edge is told to stop: the edge hears of it first, then the clients, and nobody loses anything. */
import { createClient } from '@tapecast/client/client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { watch } from './hub-world.ts';
import { serveWorld, type ServedWorld } from './protocol-world.ts';

/** As long as the checks between must fit into. */
const EDGE_NOTICE_SECONDS = 12;
const PATIENCE = { timeout: EDGE_NOTICE_SECONDS * 1_000 };

let world: ServedWorld;
const ends: (() => unknown)[] = [];
beforeAll(async () => {
  world = await serveWorld({ EDGE_NOTICE_SECONDS: String(EDGE_NOTICE_SECONDS), DRAIN_SECONDS: '1' });
});
afterAll(async () => {
  for (const end of ends) end();
  await world?.close();
});

const ask = async (path: string) => (await fetch(`${world.origin}${path}`)).status;

it('tells the edge, serves on, sends its clients away, and ends well', async () => {
  const client = createClient({ origin: world.origin });
  ends.push(() => client.close());
  const seen = watch(client, 'MSFT', '1m');
  await vi.waitFor(() => expect(seen.snapshots).toBe(1), { timeout: 20_000 });
  expect(await ask('/edgez')).toBe(200);

  const ended = world.terminate();
  await vi.waitFor(async () => expect(await ask('/edgez')).toBe(503), PATIENCE);
  expect(await ask('/readyz')).toBe(503);
  expect(await ask('/healthz')).toBe(200);
  expect(await ask('/api/v1/tickers')).toBe(200);
  // Whom the edge still sends is served, and whoever is here hears of changes.
  const late = createClient({ origin: world.origin });
  ends.push(() => late.close());
  const seenLate = watch(late, 'MSFT', '1m');
  await vi.waitFor(() => expect(seenLate.snapshots).toBe(1), PATIENCE);
  await world.write(31);
  await vi.waitFor(() => expect(seen.bars().at(-1)?.[4]).toBe(31), PATIENCE);
  expect(client.connection.state).toBe('connected');

  await vi.waitFor(() => expect(client.connection.state).toBe('reconnecting'), { timeout: 30_000 });
  expect(await ended).toBe(0);
});
