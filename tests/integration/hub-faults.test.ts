/** Databases that go and come, connections that break, clients that read slowly: everyone ends with the rows. */
import { connect } from 'node:net';
import { unixSeconds } from '@tapecast/contracts/units';
import { recordPoll } from '@tapecast/db/feed';
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
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

let world: World;
let toDatabase: TcpProxy;
let toHub: TcpProxy;

beforeAll(async () => {
  world = await createWorld({
    tickers: ['MSFT', 'TSLA', 'SLOW'],
    // So short that only a transport that is not drained makes changes wait.
    flushIntervalMs: 2,
    async route(url) {
      const { hostname, port } = new URL(url);
      toDatabase = await startTcpProxy({ host: hostname, port: Number(port) });
      const through = new URL(url);
      through.hostname = '127.0.0.1';
      through.port = String(toDatabase.port);
      return through.href;
    },
  });
  toHub = await startTcpProxy({ host: '127.0.0.1', port: world.server.port });
});
afterAll(async () => {
  toHub.restore();
  await world.close();
  await toHub.close();
  await toDatabase.close();
});

const throughProxy = () => `http://127.0.0.1:${toHub.port}`;

it('keeps sockets up and says stale while the database is gone, refuses new subscribes, and catches up', async () => {
  await recordPoll(world.db, { source: 'simulated', pollSeconds: 60, ok: true });
  await world.sql(
    `INSERT INTO stock_quotes (ticker, price, quote_time, received_at, market_state, source, bar_1d, bar_1m, bar_1h)
     VALUES ('MSFT', 10, now(), now(), 'REGULAR', 'simulated', now(), now(), now())`,
  );
  await world.write('1m', 'MSFT', [[T0, 10]]);
  const client = world.client();
  const seen = watch(client, 'MSFT', '1m');
  await vi.waitFor(() => expect(seen.states.at(-1)).toBe('simulated'), { timeout: 5_000 });

  expect((await world.services.rest.edgez(new Request('http://x/edgez'))).status).toBe(200);
  toDatabase.cut();
  await vi.waitFor(() => expect(seen.states.at(-1)).toBe('stale'), { timeout: 5_000 });
  expect(client.connection.state).toBe('connected');
  expect(world.services.hub.notReady()).not.toEqual([]);
  expect((await world.services.rest.readyz(new Request('http://x/readyz'))).status).toBe(503);
  // The edge must not take all servers out for what they share.
  expect((await world.services.rest.edgez(new Request('http://x/edgez'))).status).toBe(200);
  const tickers = await world.services.rest.tickers(new Request('http://x/api/v1/tickers'));
  expect(tickers.status).toBe(503);
  expect(Number(tickers.headers.get('retry-after'))).toBeGreaterThan(0);
  const late = watch(world.client(), 'TSLA', '1m');
  await vi.waitFor(() => expect(late.errors).toContain('unavailable'), { timeout: 5_000 });
  await world.write('1m', 'MSFT', [
    [T0, 11],
    [T0 + 60, 12],
  ]);

  toDatabase.restore();
  await vi.waitFor(() => expect(seen.states.at(-1)).toBe('simulated'), { timeout: 10_000 });
  await expectClientsEqualRows(world, [seen], 'MSFT', '1m');
  expect(seen.snapshots).toBe(1);
  await expectClientsEqualRows(world, [late], 'TSLA', '1m');
  await vi.waitFor(() => expect(late.snapshots).toBe(1), { timeout: 10_000 });
});

it('brings 20 clients whose connections keep breaking to exactly the rows, while two writers write', async () => {
  const tickers = ['MSFT', 'TSLA'];
  const watchers = Array.from({ length: 20 }, (_, index) => {
    const ticker = tickers[index % 2] as string;
    return { ticker, seen: watch(world.client(throughProxy()), ticker, '1m', 5_000) };
  });
  await vi.waitFor(() => expect(watchers.every(({ seen }) => seen.snapshots > 0)).toBe(true), { timeout: 10_000 });
  const write = async (ticker: string) => {
    for (let index = 0; index < 150; index += 1) {
      await world.write('1m', ticker, [
        [T0 + 60 * (index % 40), 1 + Math.random()],
        [T0 + 60 * index, 1 + Math.random()],
      ]);
      if (ticker === 'MSFT' && index % 50 === 25) toHub.reset();
    }
  };
  await Promise.all(tickers.map(write));
  toHub.reset();
  await world.write('1m', 'MSFT', [[T0, 77]]);
  for (const ticker of tickers) {
    const own = watchers.filter((each) => each.ticker === ticker).map(({ seen }) => seen);
    await expectClientsEqualRows(world, own, ticker, '1m', 60_000);
  }
}, 150_000);

it('gives a client that stopped reading one merged frame when it reads again, and does not buffer for it', async () => {
  const socket = world.socket();
  await connected(socket);
  const changes = collect(socket);
  await subscribe(socket, [{ ticker: 'SLOW', resolution: '1m' }]);
  const slow = await rawClient(world.server.port, 'SLOW');
  slow.pause();
  // First more than kernel and transport hold (about 190 KB a change), then single bars.
  const filling = 90;
  for (let round = 0; round < filling; round += 1) {
    await world.sql(
      `INSERT INTO stock_prices_1m (time, ticker, open, high, low, close, volume, source)
       SELECT to_timestamp($1::bigint - 60 * n), 'SLOW', v, v, v, v, v, 'test'
       FROM generate_series(1, 1800) n, LATERAL (SELECT ($2::float8 + n) / 7 AS v) price
       ON CONFLICT (ticker, time) DO UPDATE SET open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close`,
      [T0, round + 1],
    );
  }
  for (let round = 0; round < 30; round += 1) await world.write('1m', 'SLOW', [[T0 + 60, round + 1]]);
  const [row] = (await world.sql(`SELECT revision FROM series WHERE ticker = 'SLOW' AND resolution = '1m'`)).rows as {
    revision: string;
  }[];
  const revision = Number(row?.revision);
  // The quick one is not held up by the slow one.
  await vi.waitFor(() => expect(changes.at(-1)?.revision).toBe(revision), { timeout: 60_000 });
  slow.resume();
  await vi.waitFor(() => expect(slow.lastRevision()).toBe(revision), { timeout: 60_000 });
  expect(slow.frames()).toBeLessThan(filling);
  slow.close();
}, 180_000);

it('tells clients to come back when it stops', async () => {
  const client = world.client();
  const states: string[] = [];
  client.onConnection(({ state }) => {
    if (states.at(-1) !== state) states.push(state);
  });
  const seen = watch(client, 'MSFT', '1d');
  await vi.waitFor(() => expect(seen.snapshots).toBe(1), { timeout: 5_000 });
  await world.restartHub();
  await world.write('1d', 'MSFT', [[unixSeconds(T0 - (T0 % 86_400)), 9]]);
  await expectClientsEqualRows(world, [seen], 'MSFT', '1d');
  expect(states).toEqual(['connected', 'reconnecting', 'connected']);
});

/** A websocket by hand, so that the test decides when bytes are read: the library would always read. */
async function rawClient(port: number, ticker: string) {
  const socket = connect(port, '127.0.0.1');
  let buffer = Buffer.alloc(0);
  let upgraded = false;
  let frames = 0;
  let lastRevision = 0;
  const send = (text: string) => {
    const payload = Buffer.from(text);
    const mask = Buffer.from([1, 2, 3, 4]);
    const head =
      payload.length < 126
        ? Buffer.from([0x81, 0x80 | payload.length])
        : Buffer.from([0x81, 0xfe, payload.length >> 8, payload.length & 255]);
    socket.write(Buffer.concat([head, mask, payload.map((byte, index) => byte ^ (mask[index % 4] as number))]));
  };
  const ready = Promise.withResolvers<true>();
  const take = (text: string) => {
    if (text.startsWith('0')) send('40{"protocol":1}');
    else if (text.startsWith('40')) send(`420["subscribe",{"series":[{"ticker":"${ticker}","resolution":"1m"}]}]`);
    else if (text.startsWith('430')) ready.resolve(true);
    else if (text === '2') send('3');
    else if (text.startsWith('42["bars"')) {
      frames += 1;
      lastRevision = (JSON.parse(text.slice(2)) as [string, { revision: number }[]])[1][0]?.revision ?? 0;
    }
  };
  socket.on('data', (bytes) => {
    buffer = Buffer.concat([buffer, bytes]);
    if (!upgraded) {
      const end = buffer.indexOf('\r\n\r\n');
      if (end < 0) return;
      upgraded = true;
      buffer = buffer.subarray(end + 4);
    }
    for (;;) {
      if (buffer.length < 2) return;
      const short = (buffer[1] as number) & 127;
      const start = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (buffer.length < start) return;
      const length = short === 127 ? Number(buffer.readBigUInt64BE(2)) : short === 126 ? buffer.readUInt16BE(2) : short;
      if (buffer.length < start + length) return;
      take(buffer.subarray(start, start + length).toString());
      buffer = buffer.subarray(start + length);
    }
  });
  socket.write(
    `GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
  );
  await ready.promise;
  // It reads nothing, but lives: the heartbeat must not end it however long the test takes.
  const alive = setInterval(() => send('3'), 1_000);
  return {
    pause: () => socket.pause(),
    resume: () => socket.resume(),
    frames: () => frames,
    lastRevision: () => lastRevision,
    close() {
      clearInterval(alive);
      socket.destroy();
    },
  };
}
