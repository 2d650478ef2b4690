/** A small world for tests of the live path: a database, a writer, the hub's HTTP server, clients. */
import type { LiveBar, Bar } from '@tapecast/contracts/bar';
import type { Resolution, NativeResolution } from '@tapecast/contracts/resolution';
import type { BarsChange, SubscribeAck, SubscribeRequest } from '@tapecast/contracts/socket';
import { unixSeconds } from '@tapecast/contracts/units';
import { createClient, type Client } from '@tapecast/client/client';
import { readSeries } from '@tapecast/db/bars';
import { openDatabase, type Database } from '@tapecast/db/database';
import { writeBars, type PriceRow } from '@tapecast/db/write-bars';
import { createLogger } from '@tapecast/runtime/logger';
import pg from 'pg';
import { Registry } from 'prom-client';
import { io, type Socket } from 'socket.io-client';
import { expect, vi } from 'vitest';
import { startWebServer, type WebServer } from '../../apps/web/server/http.ts';
import { openWebServices, type WebServices, type WebServicesOptions } from '../../apps/web/server/services.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

export interface World {
  database: TestDatabase;
  /** As the owner: what an operator does in psql. */
  sql(text: string, values?: unknown[]): Promise<pg.QueryResult>;
  /** As the ingestor's role. */
  db: Database;
  services: WebServices;
  server: WebServer;
  metric(name: string): Promise<number>;
  write(resolution: NativeResolution, ticker: string, bars: [time: number, close: number][]): Promise<void>;
  /** @param origin default: the hub's own */
  client(origin?: string): Client;
  /** A bare socket.io-client with the protocol's handshake. */
  socket(auth?: object): Socket;
  /** The hub is stopped and a new one takes its port. */
  restartHub(): Promise<void>;
  close(): Promise<void>;
}

export const T0 = Date.UTC(2026, 10, 20, 14, 0) / 1_000;

export interface WorldOptions {
  tickers?: string[];
  /** Bends the hub's way to the database, for instance through a proxy. */
  route?(url: string): Promise<string>;
  /** Of LISTEN alone; the same as `route` where it is left out. */
  listenRoute?(url: string): Promise<string>;
  /** Of the web services, as they are started. */
  services?: Partial<WebServicesOptions>;
  flushIntervalMs?: number;
}

export async function createWorld(options: WorldOptions = {}): Promise<World> {
  const database = await createDatabase();
  const admin = new pg.Client({ connectionString: database.url });
  // A test that restarts the server breaks this connection too.
  admin.on('error', () => undefined);
  await admin.connect();
  for (const ticker of options.tickers ?? ['MSFT']) {
    await admin.query('INSERT INTO stock_tickers (ticker) VALUES ($1)', [ticker]);
  }
  const db = openDatabase({ url: database.asRole('tapecast_ingestor'), applicationName: 'test writer' });
  const webUrl = database.asRole('tapecast_web');
  const hubUrl = options.route === undefined ? webUrl : await options.route(webUrl);
  const listenUrl = options.listenRoute === undefined ? hubUrl : await options.listenRoute(webUrl);
  const clients: { close(): unknown }[] = [];
  let registry = new Registry();
  const start = async (port: number): Promise<[WebServices, WebServer]> => {
    registry = new Registry();
    const services = openWebServices({
      databaseUrl: hubUrl,
      listenUrl,
      logger: createLogger({ service: 'web', level: 'silent' }),
      registry,
      sweepMs: 400,
      ...(options.flushIntervalMs === undefined ? {} : { flushIntervalMs: options.flushIntervalMs }),
      ...options.services,
    });
    const handler = (_request: unknown, response: { end(): void }) => response.end();
    return [services, await startWebServer({ services, handler, host: '127.0.0.1', port })];
  };
  let [services, server] = await start(0);
  const world: World = {
    database,
    db,
    get services() {
      return services;
    },
    get server() {
      return server;
    },
    sql: (text, values) => admin.query(text, values),
    async metric(name) {
      const values = (await registry.getSingleMetric(`tapecast_hub_${name}`)?.get())?.values ?? [];
      return values.reduce((sum, { value }) => sum + value, 0);
    },
    async write(resolution, ticker, bars) {
      await writeBars(
        db,
        resolution,
        bars.map(([time, close]) => row(ticker, time, close)),
      );
    },
    client(origin = server.origin) {
      const client = createClient({ origin });
      clients.push(client);
      return client;
    },
    socket(auth = { protocol: 1 }) {
      const socket = io(server.origin, { transports: ['websocket'], forceNew: true, auth });
      clients.push(socket);
      return socket;
    },
    async restartHub() {
      await server.close();
      await services.close();
      [services, server] = await start(server.port);
    },
    async close() {
      for (const client of clients) client.close();
      await server.close();
      await services.close();
      await db.close();
      await admin.end();
      await database.drop();
    },
  };
  await vi.waitFor(() => expect(services.hub.notReady()).toEqual([]), { timeout: 10_000 });
  return world;
}

export function row(ticker: string, time: number, close: number): PriceRow {
  const at = unixSeconds(time);
  return {
    time: at,
    ticker,
    open: close,
    high: close,
    low: close,
    close,
    closeAdj: null,
    volume: 1,
    source: 'test',
  };
}

/** What an observer was told, put together as a chart would. */
export interface Watched {
  bars(): LiveBar[];
  snapshots: number;
  changes: Bar[][];
  revision: number;
  errors: string[];
  states: string[];
  forecasts: unknown[];
  stop(): void;
}

export function watch(client: Client, ticker: string, resolution: Resolution, limit?: number): Watched {
  const held = new Map<number, LiveBar>();
  const watched: Watched = {
    bars: () => [...held.values()].sort((left, right) => left[0] - right[0]),
    snapshots: 0,
    changes: [],
    revision: -1,
    errors: [],
    states: [],
    forecasts: [],
    stop: () => undefined,
  };
  watched.stop = client.subscribe(limit === undefined ? { ticker, resolution } : { ticker, resolution, limit }, {
    snapshot({ bars, revision }) {
      held.clear();
      for (const bar of bars) held.set(bar[0], bar);
      watched.snapshots += 1;
      watched.revision = revision;
    },
    change(bars) {
      watched.changes.push(bars);
      for (const bar of bars) {
        if (bar[4] === null) held.delete(bar[0]);
        else held.set(bar[0], bar);
      }
    },
    error: ({ code }) => watched.errors.push(code),
    status: ({ state }) => watched.states.push(state),
    forecast: (forecast) => watched.forecasts.push(forecast),
  });
  return watched;
}

/** Waits until each client's bars equal the rows, to the last digit; fails with the difference when they never do. */
export async function expectClientsEqualRows(
  world: World,
  watchers: Watched[],
  ticker: string,
  resolution: Resolution,
  timeoutMs = 15_000,
): Promise<void> {
  await vi.waitFor(
    async () => {
      const page = await readSeries(world.db, { ticker, resolution, limit: 10_000 });
      for (const watcher of watchers) expect(watcher.bars()).toEqual(page?.bars);
    },
    { timeout: timeoutMs, interval: 50 },
  );
}

export function connected(socket: Socket): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.connected) return resolve();
    socket.once('connect', resolve);
    socket.once('connect_error', reject);
  });
}

export async function subscribe(socket: Socket, series: SubscribeRequest['series'] | object[]): Promise<SubscribeAck> {
  return (await socket.timeout(20_000).emitWithAck('subscribe', { series })) as SubscribeAck;
}

/** Collects all changes that come to a bare socket. */
export function collect(socket: Socket): BarsChange[] {
  const changes: BarsChange[] = [];
  socket.on('bars', (frame: BarsChange[]) => changes.push(...frame));
  return changes;
}
