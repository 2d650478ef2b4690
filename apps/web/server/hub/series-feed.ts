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
import { nudge } from './outbox.ts';

export interface Subscriber {
  takeChange(change: BarsChange): void;
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

export class SeriesFeed {
  readonly subscribers = new Set<Subscriber>();
  readonly #options: SeriesFeedOptions;
  #epoch: Epoch;
  #head: Revision;
  #target: Revision;
  #reading = false;

  constructor(options: SeriesFeedOptions) {
    this.#options = options;
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

  /** A hint with its bars, in the order of commits. */
  change(prev: Revision, revision: Revision, bars: Bar[], committedAt?: number): void {
    if (revision <= this.#head) return;
    if (this.#reading || prev > this.#head) this.catchUp(revision);
    else this.#tell({ prev: this.#head, revision, bars, ...(committedAt === undefined ? {} : { committedAt }) });
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
    this.#tell({ prev: head, revision: head, bars: [] });
  }

  async #read(): Promise<void> {
    this.#reading = true;
    try {
      while (this.#target > this.#head && this.subscribers.size > 0) {
        const epoch = this.#epoch;
        const page = await this.#options.readChanges(this.#head);
        if (epoch !== this.#epoch) continue;
        if (page?.epoch !== epoch) return this.#options.onOtherEpoch();
        // A read that does not reach the target met a lagging replica or a database set back: the sweep will tell.
        if (page.revision <= this.#head) return;
        if (page.complete) this.#tell({ prev: this.#head, revision: page.revision, bars: page.bars });
        else this.#tell(nudge({ ...this.#key(), epoch, revision: page.revision }));
      }
    } catch (error) {
      this.#options.onReadFailed(error);
    } finally {
      this.#reading = false;
    }
  }

  #tell(news: Pick<BarsChange, 'prev' | 'revision' | 'bars' | 'committedAt'>): void {
    this.#head = news.revision;
    const { prev, revision, bars, ...committed } = news;
    const pushedAt = this.#options.now();
    const change = { epoch: this.#epoch, ...this.#key(), prev, revision, bars, ...committed, pushedAt };
    for (const subscriber of this.subscribers) subscriber.takeChange(change);
  }

  #key(): { ticker: Ticker; resolution: Resolution } {
    return { ticker: this.#options.ticker, resolution: this.#options.resolution };
  }
}
