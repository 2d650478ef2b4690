/** One client: what it is subscribed to, and what it is due. Knows its transport only by the few words of `Channel`. */
import type { Forecast } from '@tapecast/contracts/forecast';
import type { BarsChange, Status } from '@tapecast/contracts/socket';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { Revision } from '@tapecast/contracts/units';
import { NOTHING_HELD } from './change-log.ts';
import type { Flushable, Flusher } from './flusher.ts';
import type { FrameEvent } from './frame-encoder.ts';
import type { HubMetrics } from './metrics.ts';
import type { SeriesFeed, Subscriber } from './series-feed.ts';

const SAMPLED_FRAMES = 64;

export interface Channel {
  readonly drained: boolean;
  /** Bytes that were handed over and have not left this process. */
  readonly bufferedBytes: number;
  send(event: FrameEvent, items: readonly object[]): void;
}

/** A series that a client watches. */
export class Subscription {
  readonly feed: SeriesFeed;
  /** The feed's head when this began: a state read must not be older, or changes between would be missed. */
  readonly registeredAt: Revision;

  constructor(feed: SeriesFeed) {
    this.feed = feed;
    this.registeredAt = feed.head;
  }
}

export interface SessionOptions {
  channel: Channel;
  flusher: Flusher;
  metrics: HubMetrics;
  statusOf(ticker: Ticker): Status;
  /** The last subscriber of a feed left. */
  release(feed: SeriesFeed): void;
}

export class Session implements Flushable, Subscriber {
  lastFrameAt = Number.NEGATIVE_INFINITY;
  waiting = false;
  // By themselves, for they are needed with every frame.
  readonly #channel: Channel;
  readonly #metrics: HubMetrics;
  readonly #options: SessionOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  /**
   * Those whose acks are on their way, and up to where the client was told of each. Walked through for each frame: two lists lie closer
   * together in memory than objects that hold one of each, and that is most of what the walk costs.
   */
  readonly #feeds: SeriesFeed[] = [];
  readonly #told: number[] = [];
  /** Null most of the time: ten thousand quiet clients need no empty sets. */
  #forecasts: Map<string, Forecast> | null = null;
  #statuses: Set<Ticker> | null = null;

  constructor(options: SessionOptions) {
    this.#channel = options.channel;
    this.#metrics = options.metrics;
    this.#options = options;
  }

  get drained(): boolean {
    return this.#channel.drained;
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  has(ticker: string, resolution: string): boolean {
    return this.#subscriptions.has(`${ticker} ${resolution}`);
  }

  /** A subscription of the same series is replaced. */
  subscribe(feed: SeriesFeed): Subscription {
    const subscription = new Subscription(feed);
    // The new one first: a feed without subscribers is dropped.
    feed.subscribe(this);
    const key = `${feed.ticker} ${feed.resolution}`;
    const before = this.#subscriptions.get(key);
    if (before === undefined) this.#metrics.subscriptions.inc();
    else this.#stop(before.feed);
    this.#subscriptions.set(key, subscription);
    return subscription;
  }

  /** Called when the ack is on its way: from here on changes are sent. */
  start({ feed }: Subscription, revision: Revision): void {
    this.#feeds.push(feed);
    this.#told.push(revision);
    if (feed.head > revision) this.isDue();
  }

  #stop(feed: SeriesFeed): void {
    const index = this.#feeds.indexOf(feed);
    if (index === -1) return;
    this.#feeds.splice(index, 1);
    this.#told.splice(index, 1);
  }

  isDue(): void {
    if (!this.waiting) this.#options.flusher.add(this);
  }

  begunAnew(feed: SeriesFeed): void {
    const index = this.#feeds.indexOf(feed);
    if (index !== -1) this.#told[index] = NOTHING_HELD;
  }

  /** False when it was ended or replaced while its state was read. */
  holds(subscription: Subscription): boolean {
    const { ticker, resolution } = subscription.feed;
    return this.#subscriptions.get(`${ticker} ${resolution}`) === subscription;
  }

  unsubscribe(ticker: string, resolution: string): void {
    const key = `${ticker} ${resolution}`;
    const subscription = this.#subscriptions.get(key);
    if (subscription === undefined) return;
    this.#subscriptions.delete(key);
    this.#stop(subscription.feed);
    this.#forecasts?.delete(key);
    this.#metrics.subscriptions.dec();
    subscription.feed.unsubscribe(this);
    if (!subscription.feed.isWatched) this.#options.release(subscription.feed);
  }

  offerForecast(forecast: Forecast): void {
    if (!this.has(forecast.ticker, forecast.resolution)) return;
    this.#forecasts ??= new Map();
    this.#forecasts.set(`${forecast.ticker} ${forecast.resolution}`, forecast);
    this.#options.flusher.add(this);
  }

  /** @param only tickers whose state changed; all when it is left out */
  offerStatus(only?: ReadonlySet<Ticker>): void {
    for (const { feed } of this.#subscriptions.values()) {
      if (only === undefined || only.has(feed.ticker)) (this.#statuses ??= new Set()).add(feed.ticker);
    }
    if (this.#statuses !== null) this.#options.flusher.add(this);
  }

  /** Bars go first, so that a status never speaks of a head before its bars were sent. */
  flush(now: number): void {
    const changes = this.#takeChanges();
    if (changes.length > 0) {
      this.lastFrameAt = now;
      this.#metrics.frames.add(1);
      this.#samplePush(changes);
      this.#channel.send('bars', changes);
    }
    if (this.#forecasts !== null && this.#forecasts.size > 0)
      this.#channel.send('forecasts', [...this.#forecasts.values()]);
    this.#forecasts = null;
    if (this.#statuses !== null) this.#channel.send('status', [...this.#statuses].map(this.#options.statusOf));
    this.#statuses = null;
  }

  #takeChanges(): BarsChange[] {
    const changes: BarsChange[] = [];
    let bars = 0;
    let merged = 0;
    for (let index = 0; index < this.#feeds.length; index += 1) {
      const feed = this.#feeds[index] as SeriesFeed;
      const told = this.#told[index] as number;
      if (feed.head <= told) continue;
      const change = feed.since(told);
      this.#told[index] = change.revision;
      changes.push(change);
      bars += change.bars.length;
      if (change.prev < change.revision) merged += change.revision - Math.max(change.prev, told) - 1;
    }
    this.#metrics.barsDelivered.add(bars);
    this.#metrics.conflated.add(merged);
    return changes;
  }

  /** A histogram costs more than a count: one change of one frame in some tells enough. */
  #samplePush(changes: BarsChange[]): void {
    const metrics = this.#metrics;
    const count = metrics.frames.value;
    if (count % SAMPLED_FRAMES !== 0) return;
    const committedAt = changes[(count / SAMPLED_FRAMES) % changes.length]?.committedAt;
    if (committedAt !== undefined) metrics.commitToPush.observe(Math.max(0, Date.now() - committedAt) / 1_000);
  }

  get bufferedBytes(): number {
    return this.#channel.bufferedBytes;
  }

  close(): void {
    for (const { feed } of [...this.#subscriptions.values()]) this.unsubscribe(feed.ticker, feed.resolution);
    this.#options.flusher.remove(this);
  }
}
