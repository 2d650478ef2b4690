/** What is known of every ticker's freshness; asked of the database, and told even while that is away. */
import type { Freshness, Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds } from '@tapecast/contracts/units';
import type { Database } from '@tapecast/db/database';
import { readFeed, type FeedState } from '@tapecast/db/feed';
import { listQuotes, type QuoteState } from '@tapecast/db/quotes';
import { listTickers, type TickerRow } from '@tapecast/db/tickers';
import { freshnessOf } from './freshness.ts';

const UNKNOWN: Freshness = { state: 'stale', asOf: null, delaySeconds: 0 };

export class StatusBoard {
  readonly #db: Database;
  readonly #now: () => number;
  #tickers: TickerRow[] = [];
  #quotes = new Map<string, QuoteState>();
  #feed: FeedState | null = null;
  #databaseGone = true;
  #freshness = new Map<string, Freshness>();

  /** @param now Unix milliseconds */
  constructor(db: Database, now: () => number = Date.now) {
    this.#db = db;
    this.#now = now;
  }

  get tickers(): readonly TickerRow[] {
    return this.#tickers;
  }

  quote(ticker: string): QuoteState | null {
    return this.#quotes.get(ticker) ?? null;
  }

  freshness(ticker: string): Freshness {
    return this.#freshness.get(ticker) ?? UNKNOWN;
  }

  /** Reads all anew; returns the tickers whose state changed. */
  async refresh(): Promise<Ticker[]> {
    const [tickers, quotes, feed] = await Promise.all([
      listTickers(this.#db),
      listQuotes(this.#db),
      readFeed(this.#db),
    ]);
    this.#tickers = tickers;
    this.#quotes = new Map(quotes.map((quote) => [quote.ticker, quote]));
    this.#feed = feed;
    this.#databaseGone = false;
    return this.#judge();
  }

  /** The database does not answer: everything that is held grows stale. */
  databaseGone(): Ticker[] {
    if (this.#databaseGone) return [];
    this.#databaseGone = true;
    return this.#judge();
  }

  #judge(): Ticker[] {
    const now = unixSeconds(this.#now() / 1_000);
    const before = this.#freshness;
    this.#freshness = new Map();
    const changed: Ticker[] = [];
    for (const ticker of this.#tickers) {
      const quote = this.quote(ticker.ticker);
      const after = freshnessOf({ ticker, quote, feed: this.#feed, databaseGone: this.#databaseGone, now });
      this.#freshness.set(ticker.ticker, after);
      if (before.get(ticker.ticker)?.state !== after.state) changed.push(ticker.ticker as Ticker);
    }
    return changed;
  }
}
