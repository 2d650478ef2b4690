/** What clients send is unknown until it is parsed: typed errors, and the socket lives. */
import { SubscribeAck, UnsubscribeAck } from '@tapecast/contracts/socket';
import { io } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
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
beforeAll(async () => {
  world = await createWorld({ tickers: ['MSFT', 'TSLA', 'CVX'], services: { limits: { seriesPerSocket: 2 } } });
});
afterAll(async () => {
  await world.close();
});

async function socketOf() {
  const socket = world.socket();
  await connected(socket);
  return socket;
}

describe('a subscribe that makes no sense', () => {
  it.each([
    ['nothing', undefined, 'bad_request'],
    ['a string', 'MSFT', 'bad_request'],
    ['no series', { series: [] }, 'bad_request'],
    ['wrong types', { series: [{ ticker: 7, resolution: null }] }, 'bad_request'],
    ['a limit beyond reason', { series: [{ ticker: 'MSFT', resolution: '1m', limit: 1e9 }] }, 'bad_request'],
    ['too many series', { series: Array(501).fill({ ticker: 'MSFT', resolution: '1m' }) }, 'too_many_series'],
    ['a huge string', { series: [{ ticker: 'X'.repeat(200_000), resolution: '1m' }] }, 'bad_request'],
  ])('gets a typed error: %s', async (_name, payload, code) => {
    const socket = await socketOf();
    const ack = SubscribeAck.parse(await socket.timeout(5_000).emitWithAck('subscribe', payload));
    expect(ack).toMatchObject({ ok: false, error: { code } });
    expect(await subscribe(socket, [{ ticker: 'MSFT', resolution: '1m' }])).toMatchObject({ ok: true });
    socket.close();
  });

  it('refuses single series and serves the others', async () => {
    const socket = await socketOf();
    const ack = await subscribe(socket, [
      { ticker: 'NOPE', resolution: '1m' },
      { ticker: 'no good', resolution: '1m' },
      { ticker: 'MSFT', resolution: '2m' },
      { ticker: 'MSFT', resolution: '1h' },
    ]);
    const codes = ack.ok ? ack.series.map((each) => ('error' in each ? each.error.code : each.mode)) : [];
    expect(codes.sort()).toEqual(['snapshot', 'unknown_resolution', 'unknown_ticker', 'unknown_ticker']);
    socket.close();
  });

  it('takes so many series a socket, and room is made by unsubscribe', async () => {
    const socket = await socketOf();
    const series = ['MSFT', 'TSLA', 'CVX'].map((ticker) => ({ ticker, resolution: '1m' }));
    const ack = await subscribe(socket, series);
    expect(ack).toMatchObject({
      ok: true,
      series: expect.arrayContaining([
        expect.objectContaining({ ticker: 'CVX', error: expect.objectContaining({ code: 'too_many_series' }) }),
      ]),
    });
    const left: unknown = await socket.emitWithAck('unsubscribe', { series: [series[0]] });
    expect(UnsubscribeAck.parse(left)).toEqual({ ok: true });
    expect(await subscribe(socket, [series[2] as object])).toMatchObject({ ok: true, series: [{ mode: 'snapshot' }] });
    socket.close();
  });
});

it('sends nothing more of a series that was unsubscribed', async () => {
  const socket = await socketOf();
  const changes = collect(socket);
  await subscribe(socket, [
    { ticker: 'MSFT', resolution: '1d' },
    { ticker: 'TSLA', resolution: '1d' },
  ]);
  await socket.emitWithAck('unsubscribe', { series: [{ ticker: 'MSFT', resolution: '1d' }] });
  const day = T0 - (T0 % 86_400);
  await world.write('1d', 'MSFT', [[day, 1]]);
  await world.write('1d', 'TSLA', [[day, 1]]);
  await vi.waitFor(() => expect(changes).not.toEqual([]), { timeout: 10_000 });
  expect(changes.map(({ ticker }) => ticker)).toEqual(['TSLA']);
  socket.close();
});

it('answers unknown requests, and ignores what asks for no answer', async () => {
  const socket = await socketOf();
  socket.emit('subscribe', { series: 'x' });
  socket.emit('nonsense');
  expect(await socket.emitWithAck('nonsense', {})).toMatchObject({ ok: false, error: { code: 'bad_request' } });
  socket.close();
});

it('limits the rate of requests, without ending the connection', async () => {
  const socket = await socketOf();
  const answers = (await Promise.all(
    Array.from({ length: 100 }, () =>
      socket.emitWithAck('unsubscribe', { series: [{ ticker: 'X', resolution: '1m' }] }),
    ),
  )) as UnsubscribeAck[];
  const limited = answers.filter((answer) => !answer.ok && answer.error.code === 'rate_limited');
  expect(limited.length).toBeGreaterThan(0);
  expect(limited.length).toBeLessThan(60);
  expect(socket.connected).toBe(true);
  socket.close();
});

it('tells who floods it to slow down, then sends it away; others do not wait for it', async () => {
  const good = await socketOf();
  const bad = await socketOf();
  const gone = new Promise((resolve) => bad.on('disconnect', resolve));
  const codes: unknown[] = [];
  for (let request = 0; request < 5_000; request += 1) {
    bad.emit('unsubscribe', { series: [{ ticker: 'X', resolution: '1m' }] }, (answer: UnsubscribeAck) =>
      codes.push(answer.ok ? 'ok' : answer.error.code),
    );
  }
  expect(await subscribe(good, [{ ticker: 'MSFT', resolution: '1m' }])).toMatchObject({ ok: true });
  expect(await gone).toBe('io server disconnect');
  expect(codes.filter((code) => code === 'ok').length).toBeGreaterThanOrEqual(60);
  expect(new Set(codes.slice(60))).toContain('rate_limited');
  // Two buckets of sixty, four more bursts, and what time refilled meanwhile.
  expect(codes.length).toBeLessThan(600);
  good.close();
});

it.each([[{}], [{ protocol: 2 }], [{ protocol: '1' }]])('refuses the handshake %j in clear words', async (auth) => {
  const socket = world.socket(auth);
  await expect(connected(socket)).rejects.toMatchObject({
    message: expect.stringContaining('protocol 1') as string,
    data: { code: 'unsupported_protocol' },
  });
  socket.close();
});

it('survives bytes that are no protocol at all', async () => {
  const good = await socketOf();
  const bad = new WebSocket(`${world.server.origin.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  const closed = new Promise((resolve) => bad.addEventListener('close', resolve));
  bad.addEventListener('open', () => {
    bad.send('40{"protocol":1}');
    bad.send('42["subscribe",{{{');
    bad.send('z'.repeat(300_000));
  });
  await closed;
  expect(await subscribe(good, [{ ticker: 'MSFT', resolution: '1m' }])).toMatchObject({ ok: true });
  good.close();
});

it('takes sockets of its own pages and of programs, and refuses those of pages that nobody named', async () => {
  const opened = (origin: string) => {
    const socket = io(world.server.origin, {
      transports: ['websocket'],
      forceNew: true,
      auth: { protocol: 1 },
      extraHeaders: { origin },
    });
    return connected(socket).finally(() => socket.close());
  };
  await opened(world.server.origin);
  await expect(opened('https://elsewhere.example')).rejects.toMatchObject({ data: { code: 'forbidden_origin' } });
});

it('compresses frames where the operator wants it, and they lead to the same rows', async () => {
  const compressing = await createWorld({ services: { compression: true } });
  try {
    const extensions = async (of: World) => {
      const socket = of.socket();
      await connected(socket);
      const { ws } = socket.io.engine.transport as unknown as { ws: { extensions: string } };
      socket.close();
      return ws.extensions;
    };
    expect(await extensions(compressing)).toContain('permessage-deflate');
    expect(await extensions(world)).toBe('');
    const seen = watch(compressing.client(), 'MSFT', '1m');
    await vi.waitFor(() => expect(seen.snapshots).toBe(1), { timeout: 10_000 });
    // More than the threshold below which a message stays as it is.
    const minutes = Array.from({ length: 100 }, (_, minute): [number, number] => [T0 + 60 * minute, 1 + minute]);
    await compressing.write('1m', 'MSFT', minutes);
    await compressing.write('1m', 'MSFT', [[T0, 500]]);
    await expectClientsEqualRows(compressing, [seen], 'MSFT', '1m');
  } finally {
    await compressing.close();
  }
});
