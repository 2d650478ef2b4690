/**
 * One series on its way from the database to its subscribers: an unbroken chain of changes, whatever hints get lost.
 * A hint that continues the chain and carries its bars is passed on; everything else is read, one query at a time.
 */
import type { Bar } from '@tapecast/contracts/bar';
import type { Resolution } from '@tapecast/contracts/resolution';
import type { BarsChange } from '@tapecast/contracts/socket';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { Epoch, Revision } from '@tapecast/contracts/units';
import type { SeriesChanges } from '@tapecast/db/bars';
import { ChangeLog } from './change-log.ts';

export interface Subscriber {
  /** There is news of a series that it watches; it asks the feed for it when its time has come. */
  isDue(): void;
  /** Another epoch began: what it holds of this series counts for nothing. */
  begunAnew(feed: SeriesFeed): void;
}

export interface SeriesFeedOptions {
  ticker: Ticker;
  resolution: Resolution;
  epoch: Epoch;
  head: Revision;
  /** Everything that changed after a revision; incomplete when that is too much to push. */
  readChanges(after: Revision): Promise<SeriesChanges | null>;
  /** A read met another epoch: the hub looks into it. */
  onOtherEpoch(): void;
  /** Unix milliseconds. */
  now(): number;
  /** The next sweep tries again. */
  onReadFailed(error: unknown): void;
}

interface Heard {
  prev: Revision;
  revision: Revision;
  bars: Bar[];
  committedAt: number | undefined;
}

/** Hints beyond these are not kept through a read: what they tell is read as well, if merged into one change. */
const MOST_HEARD = 256;
/** A client that has taken nothing for so long asks for what it missed. */
export const KEPT_MS = 120_000;

export class SeriesFeed {
  readonly #subscribers = new Set<Subscriber>();
  /** The same as a list, which is walked through faster; null since somebody came or left. */
  #list: readonly Subscriber[] | null = null;
  readonly #options: SeriesFeedOptions;
  readonly #log: ChangeLog;
  #epoch: Epoch;
  #head: Revision;
  #target: Revision;
  #reading = false;
  /** Hints with their bars that came while something before them was read, in the order of commits. */
  #heard: Heard[] = [];

  constructor(options: SeriesFeedOptions) {
    this.#options = options;
    this.#log = new ChangeLog({ ...this.#key(), epoch: options.epoch, revision: options.head });
    this.#epoch = options.epoch;
    this.#head = options.head;
    this.#target = options.head;
  }

  get ticker(): Ticker {
    return this.#options.ticker;
  }

  get resolution(): Resolution {
    return this.#options.resolution;
  }

  /** Revision up to which subscribers were told. */
  get head(): Revision {
    return this.#head;
  }

  get isWatched(): boolean {
    return this.#subscribers.size > 0;
  }

  subscribe(subscriber: Subscriber): void {
    this.#subscribers.add(subscriber);
    this.#list = null;
  }

  unsubscribe(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    this.#list = null;
  }

  /** A hint with its bars, in the order of commits. */
  change(prev: Revision, revision: Revision, bars: Bar[], committedAt?: number): void {
    if (revision <= this.#head) return;
    if (!this.#reading && prev <= this.#head) return this.#tellHint({ prev, revision, bars, committedAt });
    if (this.#heard.length < MOST_HEARD) this.#heard.push({ prev, revision, bars, committedAt });
    this.catchUp(revision);
  }

  /** What is due to a client that holds this revision, which is below the head. */
  since(held: number): BarsChange {
    return this.#log.since(held);
  }

  /** To be called now and then: what nobody is due any more takes no memory. */
  forgetOld(): void {
    this.#log.forget(this.#options.now() - KEPT_MS);
  }

  /** Reads on until `target` is told. */
  catchUp(target: Revision): void {
    if (target > this.#target) this.#target = target;
    if (!this.#reading && this.#target > this.#head) void this.#read();
  }

  /** Another epoch began: all subscribers ask anew. */
  restart(epoch: Epoch, head: Revision): void {
    this.#epoch = epoch;
    this.#target = head;
    this.#heard = [];
    for (const subscriber of this.#subscribers) subscriber.begunAnew(this);
    this.#tellToAsk(head);
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      while (this.#target > this.#head && this.isWatched) {
        const epoch = this.#epoch;
        const page = await this.#options.readChanges(this.#head);
        if (epoch !== this.#epoch) continue;
        if (page?.epoch !== epoch) return this.#options.onOtherEpoch();
        // A read that does not reach the target met a lagging replica or a database set back: the sweep will tell.
        if (page.revision <= this.#head) return;
        if (page.complete) this.#tell({ revision: page.revision, bars: page.bars });
        else this.#tellToAsk(page.revision);
        this.#tellHeard();
      }
    } catch (error) {
      this.#options.onReadFailed(error);
    } finally {
      this.#reading = false;
      this.#heard = [];
    }
  }

  /** What came while the read was under way goes on from it, change by change, without another read. */
  #tellHeard(): void {
    for (const hint of this.#heard) if (hint.revision > this.#head && hint.prev <= this.#head) this.#tellHint(hint);
    this.#heard = this.#heard.filter(({ revision }) => revision > this.#head);
  }

  #tellHint({ revision, bars, committedAt }: Heard): void {
    this.#tell({ revision, bars, ...(committedAt === undefined ? {} : { committedAt }) });
  }

  #tell({ revision, bars, ...committed }: Pick<BarsChange, 'revision' | 'bars' | 'committedAt'>): void {
    const pushedAt = this.#options.now();
    const prev = this.#head;
    this.#log.add({ epoch: this.#epoch, ...this.#key(), prev, revision, bars, ...committed, pushedAt });
    this.#moveTo(revision);
  }

  /** Too much to push, or nothing to continue from. */
  #tellToAsk(revision: Revision): void {
    this.#log.restart({ epoch: this.#epoch, ...this.#key(), revision, pushedAt: this.#options.now() });
    this.#moveTo(revision);
  }

  #moveTo(head: Revision): void {
    this.#head = head;
    this.#list ??= [...this.#subscribers];
    for (const subscriber of this.#list) subscriber.isDue();
  }

  #key(): { ticker: Ticker; resolution: Resolution } {
    return { ticker: this.#options.ticker, resolution: this.#options.resolution };
  }
}
