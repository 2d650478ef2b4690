/**
 * Pages that were read a moment ago, for others who ask the same: a storm of reconnects costs one query a question, not
 * one a client. A page may be given as long as its series has not moved on, which the caller says by `atLeast`.
 */
import type { SeriesPage } from '@tapecast/db/bars';
import type { Epoch, Revision } from '@tapecast/contracts/units';

/** A bar takes about this much in memory and as JSON together. */
const BAR_BYTES = 250;
const PAGE_BYTES = 500;
const MOST_BYTES = 32 * 1_024 * 1_024;

export class PageCache<P extends SeriesPage> {
  /** Least recently used first. */
  readonly #pages = new Map<string, P>();
  readonly #mostBytes: number;
  #bytes = 0;

  constructor(mostBytes = MOST_BYTES) {
    this.#mostBytes = mostBytes;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get(key: string, epoch: Epoch | null, atLeast: Revision): P | null {
    const page = this.#pages.get(key);
    if (page === undefined) return null;
    this.#drop(key, page);
    if (page.epoch !== epoch || page.revision < atLeast) return null;
    this.put(key, page);
    return page;
  }

  put(key: string, page: P): void {
    const before = this.#pages.get(key);
    if (before !== undefined) this.#drop(key, before);
    this.#pages.set(key, page);
    this.#bytes += sizeOf(page);
    for (const [oldest, its] of this.#pages) {
      if (this.#bytes <= this.#mostBytes) break;
      this.#drop(oldest, its);
    }
  }

  #drop(key: string, page: P): void {
    this.#pages.delete(key);
    this.#bytes -= sizeOf(page);
  }
}

function sizeOf(page: SeriesPage): number {
  return PAGE_BYTES + BAR_BYTES * page.bars.length;
}
