/** One test for each guard of exactness; each fails when its guard is taken out. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { readSeries } from '@tapecast/db/bars';
import { writeBars } from '@tapecast/db/write-bars';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { createWorld, expectClientsEqualRows, row, T0, watch, type World } from './hub-world.ts';

let world: World;
beforeAll(async () => {
  world = await createWorld({ tickers: ['MSFT', 'TSLA', 'CVX', 'XOM', 'IBM'] });
});
afterAll(async () => {
  await world.close();
});

it('writers out of commit order: who begins first and commits last is not lost', async () => {
  const seen = watch(world.client(), 'MSFT', '1m');
  await vi.waitFor(() => expect(seen.snapshots).toBe(1), { timeout: 10_000 });
  const url = world.database.asRole('tapecast_ingestor');
  const writers = [new pg.Client({ connectionString: url }), new pg.Client({ connectionString: url })] as const;
  await Promise.all(writers.map((writer) => writer.connect()));
  const insert = (writer: pg.Client, time: number, close: number) =>
    writer.query(
      `INSERT INTO stock_prices_1m (time, ticker, open, high, low, close, volume, source)
       VALUES (to_timestamp($1), 'MSFT', $2, $2, $2, $2, 1, 'test')
       ON CONFLICT (ticker, time) DO UPDATE SET open = $2, high = $2, low = $2, close = $2`,
      [time, close],
    );
  for (let round = 0; round < 20; round += 1) {
    const [first, second] = round % 2 === 0 ? writers : ([writers[1], writers[0]] as const);
    await first.query('BEGIN');
    await insert(first, T0 + 60 * round, round + 1);
    const other = insert(second, T0 + 60 * (round + 100), round + 1);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await first.query('COMMIT');
    await other;
  }
  await Promise.all(writers.map((writer) => writer.end()));
  await expectClientsEqualRows(world, [seen], 'MSFT', '1m');
  expect(seen.bars()).toHaveLength(40);
});

it('a snapshot taken during writes has the revision of its bars, thousands of times', async () => {
  // Each statement writes its own number into the bar: the close is the revision, if both are of one moment.
  await world.write('1h', 'TSLA', [[T0, 1]]);
  const [series] = (await world.sql(`SELECT revision FROM series WHERE ticker = 'TSLA' AND resolution = '1h'`)).rows;
  const offset = Number((series as { revision: string }).revision) - 1;
  const inTwoStatements = async () => {
    const head = await world.sql(`SELECT revision FROM series WHERE ticker = 'TSLA' AND resolution = '1h'`);
    const bar = await world.sql(`SELECT close FROM stock_prices_1h WHERE ticker = 'TSLA'`);
    return (
      (bar.rows[0] as { close: number }).close === Number((head.rows[0] as { revision: string }).revision) - offset
    );
  };
  let writing = true;
  const writer = (async () => {
    for (let close = 2; writing; close += 1) await world.write('1h', 'TSLA', [[T0, close]]);
    return true;
  })();
  let wrong = 0;
  let wrongInTwo = 0;
  const revisions = new Set<number>();
  for (let read = 0; read < 3_000; read += 6) {
    const pages = await Promise.all(
      Array.from({ length: 6 }, () => readSeries(world.services.db, { ticker: 'TSLA', resolution: '1h', limit: 10 })),
    );
    for (const page of pages) {
      revisions.add(page?.revision ?? -1);
      if (page?.bars[0]?.[4] !== (page?.revision ?? 0) - offset) wrong += 1;
    }
    wrongInTwo += (await inTwoStatements()) ? 0 : 1;
  }
  writing = false;
  await writer;
  expect(wrong).toBe(0);
  // The same writes are fast enough to show what one statement spares.
  expect(wrongInTwo).toBeGreaterThan(0);
  expect(revisions.size).toBeGreaterThan(50);
}, 120_000);

it('a LISTEN connection that fell into a black hole is found out and replaced', async () => {
  let toListen: TcpProxy | undefined;
  const deaf = await createWorld({
    async listenRoute(url) {
      const { hostname, port } = new URL(url);
      toListen = await startTcpProxy({ host: hostname, port: Number(port) });
      return Object.assign(new URL(url), { hostname: '127.0.0.1', port: String(toListen.port) }).href;
    },
  });
  const seen = watch(deaf.client(), 'MSFT', '1h');
  await vi.waitFor(() => expect(seen.snapshots).toBe(1), { timeout: 10_000 });
  // Counts hints, and nothing that is found by reading.
  const hintsHeard = () => deaf.metric('listen_lag_seconds');
  const writeUntilHeard = async (more: number) => {
    let close = more;
    await vi.waitFor(
      async () => {
        const before = await hintsHeard();
        await deaf.write('1h', 'MSFT', [[T0, (close += 1)]]);
        await vi.waitFor(async () => expect(await hintsHeard()).toBeGreaterThan(before), { timeout: 2_000 });
      },
      { timeout: 40_000 },
    );
  };
  await writeUntilHeard(0);
  toListen?.forgetConnections();
  await deaf.write('1h', 'MSFT', [[T0, 1_000]]);
  await expectClientsEqualRows(deaf, [seen], 'MSFT', '1h');
  await writeUntilHeard(1_000);
  await expectClientsEqualRows(deaf, [seen], 'MSFT', '1h');
  await deaf.close();
  await toListen?.close();
}, 90_000);

it('payloads stay below the 8,000 bytes at which a write would fail, and all that they tell arrives', async () => {
  const client = world.client();
  const tickers = ['CVX', 'IBM', 'MSFT', 'TSLA', 'XOM'];
  const watchers = tickers.map((ticker) => ({ ticker, seen: watch(client, ticker, '1d', 5_000) }));
  await vi.waitFor(() => expect(watchers.every(({ seen }) => seen.snapshots === 1)).toBe(true), { timeout: 10_000 });
  const listener = new pg.Client({ connectionString: world.database.url });
  await listener.connect();
  const lengths: number[] = [];
  listener.on('notification', ({ payload }) => lengths.push(Buffer.byteLength(payload ?? '')));
  await listener.query('LISTEN tapecast_bars');
  // The widest numbers there are: a bar takes 130 bytes. One statement touches all tickers, so entries are packed too.
  const widest = 1.234_567_890_123_456_7e100;
  const day = T0 - (T0 % 86_400);
  for (let bars = 1; bars <= 42; bars += 1) {
    const rows = tickers.flatMap((ticker) =>
      Array.from({ length: bars }, (_, index) => ({
        ...row(ticker, day - 86_400 * index, widest * (1 + bars)),
        volume: widest,
      })),
    );
    await writeBars(world.db, '1d', rows);
  }
  for (const { ticker, seen } of watchers) await expectClientsEqualRows(world, [seen], ticker, '1d');
  await listener.end();
  expect(Math.max(...lengths)).toBeLessThan(8_000);
  // Or this would be no test of the edge.
  expect(Math.max(...lengths)).toBeGreaterThan(6_000);
  client.close();
});

it('a client that slept wakes up with exactly the rows', async () => {
  const program = fileURLToPath(new URL('./client-programs/sleeper.ts', import.meta.url));
  const child = spawn(process.execPath, [program, world.server.origin, 'XOM']);
  let newest = '';
  createInterface({ input: child.stdout }).on('line', (line) => (newest = line));
  try {
    await world.write('1m', 'XOM', [[T0, 1]]);
    await vi.waitFor(() => expect(newest).toBe(JSON.stringify([[T0, 1]])), { timeout: 10_000 });
    child.kill('SIGSTOP');
    // Longer than the heartbeat allows would take 18 s: the server is told that the network is gone.
    for (let minute = 0; minute < 50; minute += 1) await world.write('1m', 'XOM', [[T0 + 60 * minute, minute + 2]]);
    await world.restartHub();
    await world.write('1m', 'XOM', [[T0 + 60 * 50, 7]]);
    child.kill('SIGCONT');
    const rows = await readSeries(world.db, { ticker: 'XOM', resolution: '1m', limit: 1_000 });
    const expected = JSON.stringify(rows?.bars.map(([time, , , , close]) => [time, close]));
    await vi.waitFor(() => expect(newest).toBe(expected), { timeout: 15_000 });
  } finally {
    child.kill('SIGKILL');
  }
});

it('a storm of reconnects does not become a storm of queries', async () => {
  await world.write('1m', 'IBM', [[T0, 1]]);
  const watchers = Array.from({ length: 60 }, () => watch(world.client(), 'IBM', '1m'));
  await vi.waitFor(() => expect(watchers.every(({ snapshots }) => snapshots === 1)).toBe(true), { timeout: 10_000 });
  await world.restartHub();
  await world.write('1m', 'IBM', [[T0 + 60, 2]]);
  await expectClientsEqualRows(world, watchers, 'IBM', '1m');
  const before = await world.metric('answers_total');
  expect(before).toBeGreaterThanOrEqual(60);
  expect(await world.metric('reads_total')).toBeLessThan(40);
  expect(watchers.every(({ snapshots }) => snapshots === 1)).toBe(true);
});

it('a replica that drains sends its clients away spread over time', async () => {
  const drained = await createWorld({ services: { drainSeconds: 1 } });
  const clients = Array.from({ length: 30 }, () => drained.client());
  await vi.waitFor(() => expect(clients.every(({ connection }) => connection.state === 'connected')).toBe(true), {
    timeout: 10_000,
  });
  const leftAt = new Map<unknown, number>();
  for (const client of clients) {
    client.onConnection(({ state }) => {
      if (state === 'reconnecting' && !leftAt.has(client)) leftAt.set(client, performance.now());
    });
  }
  await drained.server.close();
  await vi.waitFor(() => expect(leftAt.size).toBe(30), { timeout: 10_000 });
  const left = [...leftAt.values()];
  // Not together: there are ten moments at least, 20 ms apart or more.
  expect(new Set(left.map((at) => Math.round(at / 20))).size).toBeGreaterThanOrEqual(10);
  await drained.close();
});
