/** One client: what it is subscribed to, and what it is due. Knows its transport only by the few words of `Channel`. */
import type { Forecast } from '@tapecast/contracts/forecast';
import type { BarsChange, Status } from '@tapecast/contracts/socket';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { Revision } from '@tapecast/contracts/units';
import type { ChangeMerger } from './change-merger.ts';
import type { Flushable, Flusher } from './flusher.ts';
import type { FrameEvent } from './frame-encoder.ts';
import type { HubMetrics } from './metrics.ts';
import { Outbox } from './outbox.ts';
import type { SeriesFeed, Subscriber } from './series-feed.ts';

const SAMPLED_FRAMES = 16;

export interface Channel {
  readonly drained: boolean;
  /** Bytes that were handed over and have not left this process. */
  readonly bufferedBytes: number;
  send(event: FrameEvent, items: readonly object[]): void;
}

/** One object rather than two: a hundred thousand changes a second come by here. */
export class Subscription extends Outbox implements Subscriber {
  readonly feed: SeriesFeed;
  /** The feed's head when this began: a state read must not be older, or changes between would be missed. */
  readonly registeredAt: Revision;
  /** Set while it is in the session's list of what is due. */
  queued = false;
  readonly #session: Session;

  constructor(feed: SeriesFeed, session: Session, merger: ChangeMerger) {
    super(merger);
    this.feed = feed;
    this.registeredAt = feed.head;
    this.#session = session;
    feed.subscribers.add(this);
  }

  /** Called when the ack is on its way: from here on changes are sent. */
  override start(revision: Revision): void {
    super.start(revision);
    if (!this.queued && this.due) this.#session.isDue(this);
  }

  takeChange(change: BarsChange): void {
    this.add(change);
    if (!this.queued && this.due) this.#session.isDue(this);
  }
}

export interface SessionOptions {
  channel: Channel;
  flusher: Flusher;
  merger: ChangeMerger;
  metrics: HubMetrics;
  statusOf(ticker: Ticker): Status;
  /** The last subscriber of a feed left. */
  release(feed: SeriesFeed): void;
}

export class Session implements Flushable {
  lastFrameAt = Number.NEGATIVE_INFINITY;
  waiting = false;
  readonly #options: SessionOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  #due: Subscription[] = [];
  /** Null most of the time: ten thousand quiet clients need no empty sets. */
  #forecasts: Map<string, Forecast> | null = null;
  #statuses: Set<Ticker> | null = null;

  constructor(options: SessionOptions) {
    this.#options = options;
  }

  get drained(): boolean {
    return this.#options.channel.drained;
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  has(ticker: string, resolution: string): boolean {
    return this.#subscriptions.has(`${ticker} ${resolution}`);
  }

  /** Begins to collect changes; a subscription of the same series is replaced. */
  subscribe(feed: SeriesFeed): Subscription {
    const subscription = new Subscription(feed, this, this.#options.merger);
    this.unsubscribe(feed.ticker, feed.resolution);
    this.#subscriptions.set(`${feed.ticker} ${feed.resolution}`, subscription);
    this.#options.metrics.subscriptions.inc();
    return subscription;
  }

  isDue(subscription: Subscription): void {
    subscription.queued = true;
    this.#due.push(subscription);
    this.#options.flusher.add(this);
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
    subscription.stop();
    this.#forecasts?.delete(key);
    this.#options.metrics.subscriptions.dec();
    subscription.feed.subscribers.delete(subscription);
    if (subscription.feed.subscribers.size === 0) this.#options.release(subscription.feed);
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
    const { channel, metrics, statusOf } = this.#options;
    if (this.#due.length > 0) {
      const changes: BarsChange[] = [];
      let bars = 0;
      for (const subscription of this.#due) {
        subscription.queued = false;
        const change = subscription.take(metrics.conflated);
        if (change === null) continue;
        changes.push(change);
        bars += change.bars.length;
      }
      this.#due.length = 0;
      metrics.barsDelivered.add(bars);
      if (changes.length > 0) {
        this.lastFrameAt = now;
        metrics.frames.add(1);
        this.#samplePush(changes);
        channel.send('bars', changes);
      }
    }
    if (this.#forecasts !== null && this.#forecasts.size > 0) channel.send('forecasts', [...this.#forecasts.values()]);
    this.#forecasts = null;
    if (this.#statuses !== null) channel.send('status', [...this.#statuses].map(statusOf));
    this.#statuses = null;
  }

  /** A histogram costs more than a count: one frame in some tells enough. */
  #samplePush(changes: BarsChange[]): void {
    const { metrics } = this.#options;
    if (metrics.frames.value % SAMPLED_FRAMES !== 0) return;
    for (const { committedAt } of changes) {
      if (committedAt !== undefined) metrics.commitToPush.observe(Math.max(0, Date.now() - committedAt) / 1_000);
    }
  }

  get bufferedBytes(): number {
    return this.#options.channel.bufferedBytes;
  }

  close(): void {
    for (const { feed } of [...this.#subscriptions.values()]) this.unsubscribe(feed.ticker, feed.resolution);
    this.#options.flusher.remove(this);
  }
}
