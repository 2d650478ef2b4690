/** The hub, or one of its baselines, in a process of its own: `server-process.ts hub|hub-compressed|rooms|ws|ws-at-once <database> [port] [watch]`. */
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { BARS_CHANNEL, type BarsHint } from '@tapecast/contracts/notify';
import type { BarsChange, SubscribeRequest } from '@tapecast/contracts/socket';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { Epoch } from '@tapecast/contracts/units';
import { createLogger } from '@tapecast/runtime/logger';
import pg from 'pg';
import { Registry } from 'prom-client';
import { Server } from 'socket.io';
import { WebSocketServer } from 'ws';
import { startWebServer } from '../../apps/web/server/http.ts';
import type { SeriesFeed, Subscriber } from '../../apps/web/server/hub/series-feed.ts';
import { openWebServices, type WebServices } from '../../apps/web/server/services.ts';
import { answerAll } from './answers.ts';
import type { ServerReady, ServerRequest, Usage } from './messages.ts';

const [kind, url = '', port = '0', watch] = process.argv.slice(2);
const FLUSH_INTERVAL_MS = 100;
const registry = new Registry();
const loop = monitorEventLoopDelay({ resolution: 5 });
// Its timer wakes the process all the time: only where that is asked for and CPU is not what is measured.
if (watch !== undefined) loop.enable();
let frames = () => Promise.resolve(0);

async function openHub(): Promise<WebServices> {
  const logger = createLogger({ service: 'web', level: 'warn' });
  const services = openWebServices({
    databaseUrl: url,
    listenUrl: url,
    logger,
    registry,
    flushIntervalMs: FLUSH_INTERVAL_MS,
    compression: kind === 'hub-compressed',
    limits: { connectionsPerAddress: 100_000 },
  });
  while (services.hub.notReady().length > 0) await new Promise((resolve) => setTimeout(resolve, 20));
  return services;
}

async function startHub(): Promise<number> {
  const services = await openHub();
  frames = () => metric('frames_total');
  const handler = (_request: unknown, response: { end(): void }) => response.end();
  const server = await startWebServer({ services, handler, host: '127.0.0.1', port: Number(port) });
  return server.port;
}

/** The same hub and flush interval, but one `emit` per update to the room of its series. */
async function startRooms(): Promise<number> {
  const { hub } = await openHub();
  const http = createServer();
  const io = new Server(http, { serveClient: false, perMessageDeflate: false, httpCompression: false });
  let waiting: BarsChange[] = [];
  let sent = 0;
  frames = () => Promise.resolve(sent);
  const flush = () => {
    const due = waiting;
    waiting = [];
    for (const each of due) {
      sent += io.of('/').adapter.rooms.get(each.ticker)?.size ?? 0;
      io.to(each.ticker).emit('bars', [each]);
    }
  };
  /** Each update of a series by itself. */
  const relay = (feed: SeriesFeed): Subscriber => {
    let told = feed.head;
    return {
      isDue() {
        if (waiting.length === 0) setTimeout(flush, FLUSH_INTERVAL_MS);
        waiting.push(feed.since(told));
        told = feed.head;
      },
      begunAnew: () => undefined,
    };
  };
  const watched = new Set<string>();
  io.on('connection', (socket) => {
    socket.on('subscribe', ({ series }: SubscribeRequest, ack: (answer: unknown) => void) => {
      const states = series.map(({ ticker, resolution }) => {
        const feed = hub.feed(ticker as Ticker, '1m', hub.epoch as Epoch);
        if (!watched.has(ticker)) feed.subscribe(relay(feed));
        watched.add(ticker);
        void socket.join(ticker);
        return { ticker, resolution, revision: feed.head, mode: 'snapshot', bars: [] };
      });
      ack({ ok: true, epoch: hub.epoch, series: states });
    });
  });
  await new Promise<void>((resolve) => http.listen(Number(port), '127.0.0.1', resolve));
  return (http.address() as AddressInfo).port;
}

/**
 * LISTEN, a frame made once, and `ws` sends it to everyone; nothing else. Either the same bytes as often as the hub sends them (two updates
 * of one bar within a flush interval are one frame), or each update at once.
 */
async function startWs(intervalMs: number): Promise<number> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const server = new WebSocketServer({ host: '127.0.0.1', port: Number(port), perMessageDeflate: false });
  let sent = 0;
  let frame: string | null = null;
  frames = () => Promise.resolve(sent);
  const flush = () => {
    if (frame === null) return;
    for (const socket of server.clients) socket.send(frame);
    sent += server.clients.size;
    frame = null;
  };
  client.on('notification', ({ payload }) => {
    const { epoch, committedAt, series } = JSON.parse(payload ?? '{}') as BarsHint;
    const changes = series.map((change) => ({ epoch, ...change, committedAt, pushedAt: Date.now() }));
    if (frame === null && intervalMs > 0) setTimeout(flush, intervalMs);
    frame = `42${JSON.stringify(['bars', changes])}`;
    if (intervalMs === 0) flush();
  });
  await client.query(`LISTEN ${BARS_CHANNEL}`);
  return (server.address() as AddressInfo).port;
}

async function metric(name: string): Promise<number> {
  return (await registry.getSingleMetric(`tapecast_hub_${name}`)?.get())?.values[0]?.value ?? 0;
}

answerAll<ServerRequest>(async (request): Promise<Usage | number> => {
  if (request === 'heap') {
    if (globalThis.gc === undefined) throw new Error('to tell its heap the server must be started with --expose-gc');
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  }
  const { user, system } = process.cpuUsage();
  const loopP99Ms = loop.percentile(99) / 1e6;
  loop.reset();
  return {
    cpuMicros: user + system,
    kernelMicros: system,
    rssBytes: process.memoryUsage().rss,
    bufferedBytes: await metric('buffered_bytes'),
    loopP99Ms,
    frames: await frames(),
  };
});
process.once('disconnect', () => process.exit(0));
const starts: Record<string, () => Promise<number>> = {
  hub: startHub,
  'hub-compressed': startHub,
  rooms: startRooms,
  ws: () => startWs(FLUSH_INTERVAL_MS),
  'ws-at-once': () => startWs(0),
};
const start = starts[kind ?? ''];
if (start === undefined) throw new Error(`There is no server of the kind "${kind ?? ''}".`);
const listening = await start();
process.send?.({ port: listening } satisfies ServerReady);
