/**
 * The hub: from rows to clients. Hints make changes early, the sweep makes them certain.
 * Whatever a hint, a read or a sweep says of another epoch is only a reason to ask: a sweep decides.
 */
import {
  BARS_CHANNEL,
  BarsHint,
  FORECASTS_CHANNEL,
  ForecastsHint,
  STATUS_CHANNEL,
  StatusHint,
} from '@tapecast/contracts/notify';
import { RESOLUTIONS, baseOf, type NativeResolution, type Resolution } from '@tapecast/contracts/resolution';
import type { Heads, Status } from '@tapecast/contracts/socket';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { Epoch, Revision } from '@tapecast/contracts/units';
import { readChanges, readSeries, type SeriesChanges } from '@tapecast/db/bars';
import type { Database } from '@tapecast/db/database';
import { renewEpoch } from '@tapecast/db/epoch';
import { openListener, type Listener } from '@tapecast/db/listen';
import { readHeads, type Head } from '@tapecast/db/series';
import type { Logger } from '@tapecast/runtime/logger';
import type { z } from 'zod';
import { ChangeMerger } from './change-merger.ts';
import { Flusher } from './flusher.ts';
import { ForecastBoard } from './forecast-board.ts';
import type { HubMetrics } from './metrics.ts';
import { PageCache } from './page-cache.ts';
import { Reads } from './reads.ts';
import { SeriesFeed } from './series-feed.ts';
import { Session, type Channel } from './session.ts';
import type { StatusBoard } from './status-board.ts';

/** More changed bars than this are not pushed: clients ask, and get a snapshot if that is shorter. */
export const MOST_PUSHED_BARS = 2_000;
/** A head found by the sweep may have its hint still on the way. */
const HINT_GRACE_MS = 250;
/** A new epoch makes all clients ask for snapshots: they are told spread over this time. */
const EPOCH_SPREAD_MS = 500;

/** Statuses of all clients are told in batches with a pause between. */
const STATUS_BATCH = 200;
const STATUS_PAUSE_MS = 20;

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
}

export class Hub {
  readonly forecasts: ForecastBoard;
  readonly reads = new Reads();
  readonly #snapshots = new PageCache();
  readonly #changes = new PageCache<SeriesChanges>();
  readonly #options: HubOptions;
  readonly #flusher: Flusher;
  readonly #merger = new ChangeMerger();
  readonly #sessions = new Set<Session>();
  readonly #feeds = new Map<string, SeriesFeed>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #heads = new Map<string, Heads>();
  readonly #statuses = new Map<Ticker, Status>();
  #epoch: Epoch | null = null;
  #listener: Listener | null = null;
  #listening = false;
  #databaseGone = true;
  #closed = false;
  #sweeping: Promise<void> | null = null;
  #nextSweep: Promise<void> | null = null;
  #refreshing = false;

  constructor(options: HubOptions) {
    this.#options = options;
    this.forecasts = new ForecastBoard(options.db);
    this.#flusher = new Flusher(options.flushIntervalMs ?? 100);
    options.metrics.watchBuffers(() => this.#bufferedBytes());
  }

  start(): void {
    this.#listener = openListener({
      url: this.#options.listenUrl,
      applicationName: 'tapecast-web',
      channels: {
        [BARS_CHANNEL]: (payload) => this.#takeHint(BARS_CHANNEL, BarsHint, payload, (hint) => this.#takeBars(hint)),
        [FORECASTS_CHANNEL]: (payload) =>
          this.#takeHint(FORECASTS_CHANNEL, ForecastsHint, payload, (hint) => void this.#takeForecasts(hint)),
        [STATUS_CHANNEL]: (payload) =>
          this.#takeHint(STATUS_CHANNEL, StatusHint, payload, () => void this.#refreshBoard()),
      },
      onReady: () => {
        this.#listening = true;
        this.forecasts.forgetAll();
        void this.sweep().then(() => this.#offerNewestForecasts());
      },
      onLost: (error) => {
        this.#listening = false;
        this.#options.logger.warn({ err: error }, 'LISTEN is lost; the sweep goes on, and it is tried again');
      },
      onMalformed: (channel, text) => this.#malformed(channel, text),
    });
    this.#sweepRegularly();
  }

  /** Null until the database has answered once. */
  get epoch(): Epoch | null {
    return this.#epoch;
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
      merger: this.#merger,
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

  #bufferedBytes(): number {
    let bytes = 0;
    for (const session of this.#sessions) bytes += session.bufferedBytes;
    return bytes;
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
      head: this.#headOf(ticker, baseOf(resolution)),
      now: Date.now,
      readChanges: (after) => this.readChanges(ticker, resolution, after, MOST_PUSHED_BARS),
      onOtherEpoch: () => void this.sweep(),
      onReadFailed: (err) => this.#options.logger.warn({ err, ticker, resolution }, 'changes could not be read'),
    });
    this.#feeds.set(key, feed);
    return feed;
  }

  async readChanges(ticker: Ticker, resolution: Resolution, after: Revision, limit: number) {
    const key = `changes ${ticker} ${resolution} ${after} ${limit}`;
    const known = this.#changes.get(key, this.#epoch, this.#newestOf(ticker, resolution));
    if (known !== null) return known;
    return this.reads.share(key, async () => {
      this.#options.metrics.reads.inc({ what: 'changes' });
      const page = await readChanges(this.#options.db, { ticker, resolution, after, limit });
      if (page !== null) this.#changes.put(key, page);
      return page;
    });
  }

  async readSnapshot(ticker: Ticker, resolution: Resolution, limit: number) {
    const key = `snapshot ${ticker} ${resolution} ${limit}`;
    const known = this.#snapshots.get(key, this.#epoch, this.#newestOf(ticker, resolution));
    if (known !== null) return known;
    return this.reads.share(key, async () => {
      this.#options.metrics.reads.inc({ what: 'snapshot' });
      const page = await readSeries(this.#options.db, { ticker, resolution, limit });
      if (page !== null) this.#snapshots.put(key, page);
      return page;
    });
  }

  /** Whether a client that holds this has everything that is known of: then nothing needs to be read for it. */
  isHead(ticker: Ticker, resolution: Resolution, held: Revision): boolean {
    const head = this.#headOf(ticker, baseOf(resolution));
    const told = this.#feeds.get(`${ticker} ${resolution}`)?.head ?? head;
    return held > 0 && held === head && held === told;
  }

  /** The same object as long as nothing changed, so that it is encoded once for all clients. */
  statusOf(ticker: Ticker): Status {
    const known = this.#statuses.get(ticker);
    if (known !== undefined) return known;
    const epoch = this.#epoch ?? ('unknown' as Epoch);
    const heads = { ...this.#heads.get(ticker) };
    const polledAt = this.#options.board.quote(ticker)?.receivedAt ?? null;
    const status = { ticker, ...this.#options.board.freshness(ticker), epoch, heads, polledAt };
    this.#statuses.set(ticker, status);
    return status;
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
        this.#offerAllStatuses([...this.#sessions]);
        if (!this.#closed) this.#sweepRegularly();
      });
    });
  }

  /** A few hundred clients at a time: ten thousand in one turn would hold up everyone's bars. */
  #offerAllStatuses(sessions: Session[]): void {
    for (const session of sessions.splice(0, STATUS_BATCH)) if (this.#sessions.has(session)) session.offerStatus();
    if (sessions.length > 0) this.#later(STATUS_PAUSE_MS, () => this.#offerAllStatuses(sessions));
  }

  async #sweepOnce(): Promise<void> {
    const { db, logger, metrics } = this.#options;
    try {
      const before = this.#snapshotOfHeads();
      const epochBefore = this.#epoch;
      metrics.reads.inc({ what: 'heads' });
      const found = await readHeads(db);
      this.#databaseGone = false;
      if (epochBefore === found.epoch && wentBack(before, found.heads)) {
        logger.error({ epoch: found.epoch }, 'revisions went back: the database was set back; beginning a new epoch');
        await renewEpoch(db, found.epoch);
        const renewed = await readHeads(db);
        this.#beginEpoch(renewed.epoch, renewed.heads);
      } else if (found.epoch === this.#epoch) this.#takeHeads(found.heads);
      else this.#beginEpoch(found.epoch, found.heads);
      await this.#refreshBoard();
    } catch (err) {
      if (this.#closed) return;
      if (!this.#databaseGone) logger.warn({ err }, 'the database does not answer');
      this.#databaseGone = true;
      this.#databaseIsGone();
    }
  }

  #snapshotOfHeads(): Map<string, Revision> {
    const entries = [...this.#heads].flatMap(([ticker, heads]) =>
      Object.entries(heads).map(([resolution, head]) => [`${ticker} ${resolution}`, head] as const),
    );
    return new Map(entries);
  }

  #takeHeads(found: Head[]): void {
    const ahead = found.filter(({ ticker, resolution, revision }) => revision > this.#headOf(ticker, resolution));
    if (ahead.length === 0) return;
    const epoch = this.#epoch;
    this.#later(HINT_GRACE_MS, () => {
      if (epoch !== this.#epoch) return;
      const lost = ahead.filter(({ ticker, resolution, revision }) => revision > this.#headOf(ticker, resolution));
      if (lost.length > 0) this.#options.metrics.hintsLost.inc(lost.length);
      for (const { ticker, resolution, revision } of lost) this.#advance(ticker, resolution, revision);
    });
    // Feeds whose read failed are behind their own head already.
    for (const feed of this.#feeds.values()) feed.catchUp(this.#headOf(feed.ticker, baseOf(feed.resolution)));
  }

  #beginEpoch(epoch: Epoch, heads: Head[]): void {
    const first = this.#epoch === null;
    this.#epoch = epoch;
    this.#heads = new Map();
    this.#statuses.clear();
    for (const { ticker, resolution, revision } of heads) this.#setHead(ticker, resolution, revision);
    if (first) return;
    this.#options.metrics.epochChanges.inc();
    this.#options.logger.warn({ epoch }, 'a new epoch: every client begins anew');
    this.forecasts.forgetAll();
    const random = this.#options.random ?? Math.random;
    const now = performance.now();
    for (const session of this.#sessions) session.lastFrameAt = now + random() * EPOCH_SPREAD_MS;
    for (const feed of this.#feeds.values()) feed.restart(epoch, this.#headOf(feed.ticker, baseOf(feed.resolution)));
  }

  #takeBars(hint: BarsHint): void {
    if (hint.epoch !== this.#epoch) {
      void this.sweep();
      return;
    }
    const { committedAt } = hint;
    // Clocks of two machines may differ by a little.
    if (committedAt !== undefined)
      this.#options.metrics.listenLag.observe(Math.max(0, Date.now() - committedAt) / 1_000);
    for (const change of hint.series) {
      const { ticker, resolution, prev, revision } = change;
      if (revision <= this.#headOf(ticker, resolution)) continue;
      if (!('bars' in change)) {
        this.#advance(ticker, resolution, revision);
        continue;
      }
      this.#setHead(ticker, resolution, revision);
      for (const each of RESOLUTIONS.filter((candidate) => baseOf(candidate) === resolution)) {
        const feed = this.#feeds.get(`${ticker} ${each}`);
        if (each === resolution) feed?.change(prev, revision, change.bars, committedAt);
        else feed?.catchUp(revision);
      }
    }
  }

  /** The head moved, its bars must be read. */
  #advance(ticker: Ticker, native: NativeResolution, revision: Revision): void {
    this.#setHead(ticker, native, revision);
    for (const resolution of RESOLUTIONS.filter((each) => baseOf(each) === native)) {
      this.#feeds.get(`${ticker} ${resolution}`)?.catchUp(revision);
    }
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

  /** One refresh at a time; hints that come meanwhile are answered by the next sweep at the latest. */
  async #refreshBoard(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    try {
      const changed = await this.#options.board.refresh();
      this.#statuses.clear();
      this.#offerStatuses(changed);
    } catch (err) {
      if (!this.#closed) this.#options.logger.warn({ err }, 'the state of the feed could not be read');
      this.#databaseIsGone();
    } finally {
      this.#refreshing = false;
    }
  }

  #databaseIsGone(): void {
    const changed = this.#options.board.databaseGone();
    this.#statuses.clear();
    this.#offerStatuses(changed);
  }

  #offerStatuses(changed: Ticker[]): void {
    if (changed.length === 0) return;
    const only = new Set(changed);
    for (const session of this.#sessions) session.offerStatus(only);
  }

  #takeHint<T>(channel: string, schema: z.ZodType<T>, payload: unknown, take: (hint: T) => void): void {
    const parsed = schema.safeParse(payload);
    if (parsed.success) take(parsed.data);
    else this.#malformed(channel, JSON.stringify(payload));
  }

  #malformed(channel: string, text: string): void {
    this.#options.metrics.hintsMalformed.inc();
    this.#options.logger.warn({ channel, text: text.slice(0, 200) }, 'a NOTIFY that is not what the contract says');
  }

  /** The newest revision that is known of: told to subscribers, or about to be. A page must not be older. */
  #newestOf(ticker: Ticker, resolution: Resolution): Revision {
    const head = this.#headOf(ticker, baseOf(resolution));
    const told = this.#feeds.get(`${ticker} ${resolution}`)?.head ?? head;
    return told > head ? told : head;
  }

  #headOf(ticker: string, resolution: NativeResolution): Revision {
    return this.#heads.get(ticker)?.[resolution] ?? (0 as Revision);
  }

  #setHead(ticker: Ticker, resolution: NativeResolution, revision: Revision): void {
    this.#statuses.delete(ticker);
    const heads = this.#heads.get(ticker);
    if (heads === undefined) this.#heads.set(ticker, { [resolution]: revision });
    else heads[resolution] = revision;
  }

  #later(delayMs: number, task: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#closed) task();
    }, delayMs);
    this.#timers.add(timer);
  }
}

/** Compared with heads taken before the query: a hint may have outrun its answer. */
function wentBack(before: Map<string, Revision>, found: Head[]): boolean {
  const now = new Map(found.map(({ ticker, resolution, revision }) => [`${ticker} ${resolution}`, revision]));
  return [...before].some(([key, revision]) => (now.get(key) ?? 0) < revision);
}
