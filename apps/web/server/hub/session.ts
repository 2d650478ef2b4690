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

export interface Channel {
  readonly drained: boolean;
  /** Bytes that were handed over and have not left this process. */
  readonly bufferedBytes: number;
  send(event: FrameEvent, items: readonly object[]): void;
}

export class Subscription implements Subscriber {
  readonly feed: SeriesFeed;
  /** The feed's head when this began: a state read must not be older, or changes between would be missed. */
  readonly registeredAt: Revision;
  readonly outbox: Outbox;
  readonly #session: Session;

  constructor(feed: SeriesFeed, session: Session, merger: ChangeMerger) {
    this.feed = feed;
    this.registeredAt = feed.head;
    this.outbox = new Outbox(merger);
    this.#session = session;
    feed.subscribers.add(this);
  }

  /** Called when the ack is on its way: from here on changes are sent. */
  start(revision: Revision): void {
    this.outbox.start(revision);
    if (this.outbox.due) this.#session.isDue(this);
  }

  takeChange(change: BarsChange): void {
    this.outbox.add(change);
    if (this.outbox.due) this.#session.isDue(this);
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
  readonly #options: SessionOptions;
  readonly #subscriptions = new Map<string, Subscription>();
  readonly #due = new Set<Subscription>();
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
    this.#due.add(subscription);
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
    this.#due.delete(subscription);
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
    if (this.#due.size > 0) {
      const changes: BarsChange[] = [];
      for (const { outbox } of this.#due) {
        const due = outbox.take();
        if (due === null) continue;
        changes.push(due.change);
        metrics.barsDelivered.add(due.change.bars.length);
        if (due.merged > 0) metrics.conflated.add(due.merged);
      }
      this.#due.clear();
      if (changes.length > 0) {
        this.lastFrameAt = now;
        metrics.frames.add(1);
        channel.send('bars', changes);
      }
    }
    if (this.#forecasts !== null && this.#forecasts.size > 0) channel.send('forecasts', [...this.#forecasts.values()]);
    this.#forecasts = null;
    if (this.#statuses !== null) channel.send('status', [...this.#statuses].map(statusOf));
    this.#statuses = null;
  }

  get bufferedBytes(): number {
    return this.#options.channel.bufferedBytes;
  }

  close(): void {
    for (const { feed } of [...this.#subscriptions.values()]) this.unsubscribe(feed.ticker, feed.resolution);
    this.#options.flusher.remove(this);
  }
}
