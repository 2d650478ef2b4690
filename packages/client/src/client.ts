/**
 * A Tapecast client: subscribe to series, get their bars, keep them exact through losses and reconnects.
 * Runs in browsers and in Node; imports no schemas.
 */
import type { Forecast } from '@tapecast/contracts/forecast';
import type { LabProgress } from '@tapecast/contracts/lab';
import type { Resolution } from '@tapecast/contracts/resolution';
import type * as Protocol from '@tapecast/contracts/socket';
import type { BarsChange, ClientToServerEvents, ServerToClientEvents, Status } from '@tapecast/contracts/socket';
import { io, type Socket } from 'socket.io-client';
import { backoffMs, systemClock, type Clock } from './clock.ts';
import { ConnectionMonitor, type Connection } from './connection.ts';
import { LabWatch } from './lab-watch.ts';
import { Questions } from './questions.ts';
import { Series, type OlderPage, type SeriesObserver } from './series.ts';

export type { Connection } from './connection.ts';
export type { OlderPage, SeriesObserver, Stamps } from './series.ts';

const PROTOCOL: typeof Protocol.PROTOCOL_VERSION = 1;
const DEFAULT_LIMIT: typeof Protocol.DEFAULT_SNAPSHOT_BARS = 1_000;
/** How long a newer head in a status may stand without its bars before they are taken for lost. */
const BEHIND_GRACE_MS = 1_000;

export interface SeriesKey {
  ticker: string;
  resolution: Resolution;
}

export interface ClientOptions {
  /** `https://host`; default: the page's own. */
  origin?: string;
  /** Path of the Socket.IO endpoint, default `/socket.io/`. */
  path?: string;
  /** Default: websocket, then long-polling where that is blocked. */
  transports?: ('websocket' | 'polling')[];
  token?: string;
  /** Sent with the handshake; browsers send them with long-polling only. */
  extraHeaders?: Record<string, string>;
  random?: () => number;
  clock?: Clock;
  /** An observer threw. Default: told on the console. */
  onObserverError?: (error: unknown) => void;
}

export interface Client {
  /**
   * Watches a series; observers of the same one share it and late ones get what is held, at once.
   * @param series `limit`: bars of the first snapshot (1 to 10,000, default 1,000); the largest asked for counts
   * @returns ends the watching
   */
  subscribe(series: SeriesKey & { limit?: number }, observer: SeriesObserver): () => void;
  readonly connection: Connection;
  onConnection(listener: (connection: Connection) => void): () => void;
  /** Adds a REST page of bars that ends where the held ones begin; observers get a new snapshot. */
  mergePage(series: SeriesKey, page: OlderPage): void;
  /** Tells where a run of the lab stands: now, on every progress, and again after each reconnect. @returns ends it */
  watchLabRun(id: number, observer: (run: LabProgress) => void): () => void;
  close(): void;
}

export function createClient(options: ClientOptions = {}): Client {
  return new SocketClient(options);
}

class SocketClient implements Client {
  readonly #socket: Socket<ServerToClientEvents, ClientToServerEvents>;
  readonly #clock: Clock;
  readonly #random: () => number;
  readonly #onObserverError: (error: unknown) => void;
  readonly #monitor: ConnectionMonitor;
  readonly #questions: Questions;
  readonly #lab: LabWatch;
  readonly #series = new Map<string, Series>();
  readonly #checks = new Map<Series, () => void>();
  #cancelReconnect: (() => void) | null = null;
  #refusals = 0;

  constructor(options: ClientOptions) {
    this.#clock = options.clock ?? systemClock;
    this.#random = options.random ?? Math.random;
    this.#onObserverError = options.onObserverError ?? tellConsole;
    this.#monitor = new ConnectionMonitor(() => this.#clock.now());
    const socketOptions = {
      path: options.path ?? '/socket.io/',
      transports: options.transports ?? ['websocket', 'polling'],
      tryAllTransports: true,
      forceNew: true,
      // A killed server is back within seconds; each pause is spread by half of itself.
      reconnectionDelay: 100,
      reconnectionDelayMax: 2_500,
      timeout: 10_000,
      ...(options.extraHeaders === undefined ? {} : { extraHeaders: options.extraHeaders }),
      auth: { protocol: PROTOCOL, ...(options.token === undefined ? {} : { token: options.token }) },
    };
    this.#socket = options.origin === undefined ? io(socketOptions) : io(options.origin, socketOptions);
    this.#lab = new LabWatch(this.#socket, this.#clock);
    this.#questions = new Questions({
      send: (request, ack) =>
        this.#socket.emit('subscribe', request, (answer) => {
          this.#monitor.data();
          ack(answer);
        }),
      series: () => this.#series.values(),
      clock: this.#clock,
      random: this.#random,
    });
    this.#listen();
  }

  get connection(): Connection {
    return this.#monitor.current;
  }

  onConnection(listener: (connection: Connection) => void): () => void {
    return this.#monitor.listen(listener);
  }

  subscribe({ ticker, resolution, limit }: SeriesKey & { limit?: number }, observer: SeriesObserver): () => void {
    const key = keyOf(ticker, resolution);
    let series = this.#series.get(key);
    if (series === undefined) {
      series = new Series(ticker, resolution, limit ?? DEFAULT_LIMIT, this.#onObserverError);
      this.#series.set(key, series);
      if (this.#socket.connected) series.signal('connect');
    } else {
      series.widen(limit ?? DEFAULT_LIMIT);
      series.greet(observer);
    }
    const watched = series;
    const watcher = { observer };
    watched.watchers.add(watcher);
    this.#questions.plan();
    return () => {
      if (watched.watchers.delete(watcher) && watched.watchers.size === 0) this.#drop(key, watched);
    };
  }

  mergePage({ ticker, resolution }: SeriesKey, page: OlderPage): void {
    this.#series.get(keyOf(ticker, resolution))?.mergePage(page);
    this.#questions.plan();
  }

  watchLabRun(id: number, observer: (run: LabProgress) => void): () => void {
    return this.#lab.watch(id, observer);
  }

  close(): void {
    this.#cancelReconnect?.();
    this.#lab.close();
    this.#questions.close();
    for (const cancel of this.#checks.values()) cancel();
    this.#checks.clear();
    this.#series.clear();
    this.#socket.disconnect();
  }

  #listen(): void {
    this.#socket.on('connect', () => {
      this.#refusals = 0;
      this.#monitor.connected();
      for (const series of this.#series.values()) series.signal('connect');
      this.#questions.plan();
    });
    this.#socket.on('disconnect', (reason) => {
      for (const series of this.#series.values()) series.signal('disconnect');
      this.#monitor.lost(reason);
      // The server sent this client away: Socket.IO leaves coming back to us.
      if (reason === 'io server disconnect') this.#reconnectLater();
    });
    this.#socket.on('connect_error', (error) => {
      this.#monitor.lost(error.message);
      // Refused by the server's handshake: not retried by Socket.IO either.
      if (!this.#socket.active) this.#reconnectLater();
    });
    this.#socket.on('bars', (changes) => this.#takeChanges(changes));
    this.#socket.on('forecasts', (forecasts) => this.#takeForecasts(forecasts));
    this.#socket.on('status', (statuses) => this.#takeStatuses(statuses));
  }

  #takeChanges(changes: BarsChange[]): void {
    this.#monitor.data();
    let gaps = false;
    for (const change of changes) {
      const series = this.#series.get(keyOf(change.ticker, change.resolution));
      series?.takeChange(change);
      gaps ||= series?.phase === 'due';
    }
    if (gaps) this.#questions.plan();
  }

  #takeForecasts(forecasts: Forecast[]): void {
    this.#monitor.data();
    for (const forecast of forecasts) {
      this.#series.get(keyOf(forecast.ticker, forecast.resolution))?.takeForecast(forecast);
    }
  }

  #takeStatuses(statuses: Status[]): void {
    this.#monitor.data();
    const byTicker = new Map<string, Status>(statuses.map((status) => [status.ticker, status]));
    for (const series of this.#series.values()) {
      const status = byTicker.get(series.ticker);
      if (status === undefined) continue;
      series.takeStatus(status);
      if (series.isBehind(status)) this.#checkSoon(series);
    }
  }

  /** A status may overtake the bars that it speaks of by a moment. */
  #checkSoon(series: Series): void {
    if (this.#checks.has(series)) return;
    const status = series.status;
    const cancel = this.#clock.after(BEHIND_GRACE_MS, () => {
      this.#checks.delete(series);
      if (status === null || !series.isBehind(status)) return;
      series.signal('gap');
      this.#questions.plan();
    });
    this.#checks.set(series, cancel);
  }

  #drop(key: string, series: Series): void {
    this.#checks.get(series)?.();
    this.#checks.delete(series);
    if (this.#series.get(key) !== series) return;
    this.#series.delete(key);
    series.attempt += 1;
    if (!this.#socket.connected) return;
    const { ticker, resolution } = series;
    this.#socket.emit('unsubscribe', { series: [{ ticker, resolution }] }, () => this.#monitor.data());
  }

  #reconnectLater(): void {
    this.#cancelReconnect?.();
    this.#refusals += 1;
    this.#cancelReconnect = this.#clock.after(backoffMs(this.#refusals, this.#random, 500, 30_000), () =>
      this.#socket.connect(),
    );
  }
}

function keyOf(ticker: string, resolution: Resolution): string {
  return `${ticker} ${resolution}`;
}

function tellConsole(error: unknown): void {
  // eslint-disable-next-line no-console -- a library has no logger, and swallowing an observer's fault would hide it
  console.error('a Tapecast observer threw', error);
}
