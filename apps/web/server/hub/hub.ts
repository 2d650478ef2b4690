/**
 * The hub: from rows to clients. Hints make changes early, the sweep makes them certain.
 * Whatever a hint, a read or a sweep says of another epoch is only a reason to ask: a sweep decides.
 */
import type { BarsHint, ForecastsHint } from '@tapecast/contracts/notify';
import { RESOLUTIONS, baseOf, type NativeResolution, type Resolution } from '@tapecast/contracts/resolution';
import type { Status } from '@tapecast/contracts/socket';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { Epoch, Revision } from '@tapecast/contracts/units';
import type { Database } from '@tapecast/db/database';
import { renewEpoch } from '@tapecast/db/epoch';
import type { Listener } from '@tapecast/db/listen';
import { readHeads, type Head } from '@tapecast/db/series';
import type { Logger } from '@tapecast/runtime/logger';
import { Flusher } from './flusher.ts';
import { ForecastBoard } from './forecast-board.ts';
import { Heads, wentBack } from './heads.ts';
import { openHints } from './hints.ts';
import type { HubMetrics } from './metrics.ts';
import { Pages } from './pages.ts';
import { SeriesFeed } from './series-feed.ts';
import { Session, type Channel } from './session.ts';
import type { StatusBoard } from './status-board.ts';
import { Statuses } from './statuses.ts';

/** More changed bars than this are not pushed: clients ask, and get a snapshot if that is shorter. */
export const MOST_PUSHED_BARS = 2_000;
/** A head found by the sweep may have its hint still on the way. */
const HINT_GRACE_MS = 250;
/** A new epoch makes all clients ask for snapshots: they are told spread over this time. */
const EPOCH_SPREAD_MS = 500;

export interface HubOptions {
  db: Database;
  listenUrl: string;
  board: StatusBoard;
  logger: Logger;
  metrics: HubMetrics;
  /** Longest wait of a change under load, milliseconds. */
  flushIntervalMs?: number;
  sweepMs?: number;
  random?: () => number;
  /** Whoever else hears by the same connection. `onReady` as in openListener. */
  also?: { channels: Record<string, (payload: unknown) => void>; onReady(): void };
}

export class Hub {
  readonly forecasts: ForecastBoard;
  readonly pages: Pages;
  readonly #options: HubOptions;
  readonly #flusher: Flusher;
  readonly #heads = new Heads();
  readonly #statuses: Statuses;
  readonly #sessions = new Set<Session>();
  readonly #feeds = new Map<string, SeriesFeed>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #listener: Listener | null = null;
  #listening = false;
  #databaseGone = true;
  #closed = false;
  #sweeping: Promise<void> | null = null;
  #nextSweep: Promise<void> | null = null;

  constructor(options: HubOptions) {
    const { db, board, logger, metrics } = options;
    this.#options = options;
    this.forecasts = new ForecastBoard(db);
    this.#flusher = new Flusher(options.flushIntervalMs ?? 100);
    this.pages = new Pages({
      db,
      metrics,
      epoch: () => this.epoch,
      newestOf: (ticker, resolution) => this.#newestOf(ticker, resolution),
    });
    this.#statuses = new Statuses({
      board,
      logger,
      heads: this.#heads,
      recipients: this.#sessions,
      later: (delayMs, task) => this.#later(delayMs, task),
      closed: () => this.#closed,
    });
    metrics.watchBuffers(() => this.#bufferedBytes());
  }

  start(): void {
    this.#listener = openHints({
      ...this.#options,
      onBars: (hint) => this.#takeBars(hint),
      onForecasts: (hint) => void this.#takeForecasts(hint),
      onStatus: () => void this.#statuses.refresh(),
      onReady: () => {
        this.#listening = true;
        this.forecasts.forgetAll();
        void this.sweep().then(() => this.#offerNewestForecasts());
        this.#options.also?.onReady();
      },
      onLost: () => (this.#listening = false),
    });
    this.#sweepRegularly();
  }

  /** Null until the database has answered once. */
  get epoch(): Epoch | null {
    return this.#heads.epoch;
  }

  notReady(): string[] {
    const reasons: string[] = [];
    if (this.#databaseGone) reasons.push('the database does not answer');
    if (!this.#listening) reasons.push('not listening to the database yet');
    return reasons;
  }

  open(channel: Channel): Session {
    const session = new Session({
      channel,
      flusher: this.#flusher,
      metrics: this.#options.metrics,
      statusOf: (ticker) => this.statusOf(ticker),
      release: (feed) => {
        const key = `${feed.ticker} ${feed.resolution}`;
        if (this.#feeds.get(key) === feed) this.#feeds.delete(key);
      },
    });
    this.#sessions.add(session);
    this.#options.metrics.connections.inc();
    return session;
  }

  /** Tickers that some client is subscribed to, at whatever resolution. */
  watchedTickers(): Set<Ticker> {
    return new Set([...this.#feeds.values()].map(({ ticker }) => ticker));
  }

  leave(session: Session): void {
    if (!this.#sessions.delete(session)) return;
    session.close();
    this.#options.metrics.connections.dec();
  }

  /** The feed of a series, made for its first subscriber. */
  feed(ticker: Ticker, resolution: Resolution, epoch: Epoch): SeriesFeed {
    const key = `${ticker} ${resolution}`;
    const known = this.#feeds.get(key);
    if (known !== undefined) return known;
    const feed = new SeriesFeed({
      ticker,
      resolution,
      epoch,
      head: this.#heads.of(ticker, resolution),
      now: Date.now,
      readChanges: (after) => this.pages.changes(ticker, resolution, after, MOST_PUSHED_BARS),
      onOtherEpoch: () => void this.sweep(),
      onReadFailed: (err) => this.#options.logger.warn({ err, ticker, resolution }, 'changes could not be read'),
    });
    this.#feeds.set(key, feed);
    return feed;
  }

  /** Whether a client that holds this has everything that is known of: then nothing needs to be read for it. */
  isHead(ticker: Ticker, resolution: Resolution, held: Revision): boolean {
    const head = this.#heads.of(ticker, resolution);
    const told = this.#feeds.get(`${ticker} ${resolution}`)?.head ?? head;
    return held > 0 && held === head && held === told;
  }

  statusOf(ticker: Ticker): Status {
    return this.#statuses.of(ticker);
  }

  /** Compares what was told with the database's heads; a sweep that began before the call does not count. */
  sweep(): Promise<void> {
    if (this.#sweeping === null) {
      this.#sweeping = this.#sweepOnce().finally(() => (this.#sweeping = null));
      return this.#sweeping;
    }
    this.#nextSweep ??= this.#sweeping.then(() => {
      this.#nextSweep = null;
      return this.sweep();
    });
    return this.#nextSweep;
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const session of this.#sessions) this.leave(session);
    this.#flusher.close();
    await this.#listener?.close();
    await this.#nextSweep;
    await this.#sweeping;
  }

  #sweepRegularly(): void {
    this.#later(this.#options.sweepMs ?? 3_000, () => {
      void this.sweep().then(() => {
        this.#statuses.offerAll();
        for (const feed of this.#feeds.values()) feed.forgetOld();
        if (!this.#closed) this.#sweepRegularly();
      });
    });
  }

  async #sweepOnce(): Promise<void> {
    const { db, logger, metrics } = this.#options;
    try {
      const before = this.#heads.snapshot();
      const epochBefore = this.epoch;
      metrics.reads.inc({ what: 'heads' });
      const found = await readHeads(db);
      this.#databaseGone = false;
      if (epochBefore === found.epoch && wentBack(before, found.heads)) {
        logger.error({ epoch: found.epoch }, 'revisions went back: the database was set back; beginning a new epoch');
        await renewEpoch(db, found.epoch);
        const renewed = await readHeads(db);
        this.#beginEpoch(renewed.epoch, renewed.heads);
      } else if (found.epoch === this.epoch) this.#takeHeads(found.heads);
      else this.#beginEpoch(found.epoch, found.heads);
      await this.#statuses.refresh();
    } catch (err) {
      if (this.#closed) return;
      if (!this.#databaseGone) logger.warn({ err }, 'the database does not answer');
      this.#databaseGone = true;
      this.#statuses.databaseGone();
    }
  }

  #takeHeads(found: Head[]): void {
    const ahead = this.#heads.ahead(found);
    if (ahead.length === 0) return;
    const { epoch } = this;
    this.#later(HINT_GRACE_MS, () => {
      if (epoch !== this.epoch) return;
      const lost = this.#heads.ahead(ahead);
      if (lost.length > 0) this.#options.metrics.hintsLost.inc(lost.length);
      for (const { ticker, resolution, revision } of lost) this.#advance(ticker, resolution, revision);
    });
    // Feeds whose read failed are behind their own head already.
    for (const feed of this.#feeds.values()) feed.catchUp(this.#heads.of(feed.ticker, feed.resolution));
  }

  #beginEpoch(epoch: Epoch, heads: Head[]): void {
    const first = this.epoch === null;
    this.#heads.begin(epoch, heads);
    this.#statuses.forgetAll();
    if (first) return;
    this.#options.metrics.epochChanges.inc();
    this.#options.logger.warn({ epoch }, 'a new epoch: every client begins anew');
    this.forecasts.forgetAll();
    const random = this.#options.random ?? Math.random;
    const now = performance.now();
    for (const session of this.#sessions) session.lastFrameAt = now + random() * EPOCH_SPREAD_MS;
    for (const feed of this.#feeds.values()) feed.restart(epoch, this.#heads.of(feed.ticker, feed.resolution));
  }

  #takeBars(hint: BarsHint): void {
    if (hint.epoch !== this.epoch) {
      void this.sweep();
      return;
    }
    const { committedAt } = hint;
    // Clocks of two machines may differ by a little.
    if (committedAt !== undefined)
      this.#options.metrics.listenLag.observe(Math.max(0, Date.now() - committedAt) / 1_000);
    for (const change of hint.series) {
      const { ticker, resolution, prev, revision } = change;
      if (revision <= this.#heads.of(ticker, resolution)) continue;
      if (!('bars' in change)) {
        this.#advance(ticker, resolution, revision);
        continue;
      }
      this.#setHead(ticker, resolution, revision);
      for (const feed of this.#feedsOf(ticker, resolution)) {
        if (feed.resolution === resolution) feed.change(prev, revision, change.bars, committedAt);
        else feed.catchUp(revision);
      }
    }
  }

  /** The head moved, its bars must be read. */
  #advance(ticker: Ticker, native: NativeResolution, revision: Revision): void {
    this.#setHead(ticker, native, revision);
    for (const feed of this.#feedsOf(ticker, native)) feed.catchUp(revision);
  }

  /** Those that a native series leads to. */
  #feedsOf(ticker: Ticker, native: NativeResolution): SeriesFeed[] {
    return RESOLUTIONS.filter((resolution) => baseOf(resolution) === native).flatMap(
      (resolution) => this.#feeds.get(`${ticker} ${resolution}`) ?? [],
    );
  }

  async #takeForecasts(hint: ForecastsHint): Promise<void> {
    for (const { ticker, resolution } of hint.forecasts) {
      this.forecasts.forget(ticker, resolution);
      if (!this.#feeds.has(`${ticker} ${resolution}`)) continue;
      await this.#offerForecast(ticker, resolution);
    }
  }

  async #offerNewestForecasts(): Promise<void> {
    for (const feed of [...this.#feeds.values()]) await this.#offerForecast(feed.ticker, feed.resolution);
  }

  async #offerForecast(ticker: Ticker, resolution: Resolution): Promise<void> {
    try {
      const forecast = await this.forecasts.newest(ticker, resolution);
      if (forecast !== null) for (const session of this.#sessions) session.offerForecast(forecast);
    } catch (err) {
      this.#options.logger.warn({ err, ticker, resolution }, 'the forecast could not be read');
    }
  }

  #newestOf(ticker: Ticker, resolution: Resolution): Revision {
    const head = this.#heads.of(ticker, resolution);
    const told = this.#feeds.get(`${ticker} ${resolution}`)?.head ?? head;
    return told > head ? told : head;
  }

  #setHead(ticker: Ticker, resolution: NativeResolution, revision: Revision): void {
    this.#statuses.forget(ticker);
    this.#heads.set(ticker, resolution, revision);
  }

  #bufferedBytes(): number {
    let bytes = 0;
    for (const session of this.#sessions) bytes += session.bufferedBytes;
    return bytes;
  }

  #later(delayMs: number, task: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#closed) task();
    }, delayMs);
    this.#timers.add(timer);
  }
}
