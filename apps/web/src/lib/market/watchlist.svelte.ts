/** The tickers of the watchlist with their live price, change and freshness. */
import type { Client } from '@tapecast/client/client';
import type { LiveBar } from '@tapecast/contracts/bar';
import type { Forecast } from '@tapecast/contracts/forecast';
import type { Freshness, TickerSummary } from '@tapecast/contracts/ticker';
import { mergeBars } from './merge-bars.ts';
import { getTickers, RestError, type Fetch } from './rest.ts';

/** Today's bar and the one before it. */
const HELD_DAYS = 2;

export class WatchRow {
  summary = $state.raw<TickerSummary>() as TickerSummary;
  days = $state.raw<readonly LiveBar[]>([]);
  forecast = $state.raw<Forecast | null>(null);
  #heard = $state.raw<Freshness | null>(null);

  constructor(summary: TickerSummary) {
    this.summary = summary;
  }

  get ticker(): string {
    return this.summary.ticker;
  }

  get today(): LiveBar | undefined {
    return this.days.at(-1);
  }

  get price(): number | null {
    return this.today?.[4] ?? this.summary.price;
  }

  get previousClose(): number | null {
    return this.days.at(-2)?.[4] ?? this.summary.previousClose;
  }

  get change(): number | null {
    return changeOf(this.price, this.previousClose)?.absolute ?? null;
  }

  get changePercent(): number | null {
    return changeOf(this.price, this.previousClose)?.percent ?? null;
  }

  get freshness(): Freshness {
    return this.#heard ?? this.summary.freshness;
  }

  watch(client: Client): () => void {
    return client.subscribe(
      { ticker: this.ticker, resolution: '1d', limit: HELD_DAYS },
      {
        snapshot: ({ bars }) => (this.days = bars.slice(-HELD_DAYS)),
        change: (bars) => (this.days = mergeBars(this.days, bars).slice(-HELD_DAYS)),
        forecast: (forecast) => (this.forecast = forecast),
        status: (status) => (this.#heard = status),
      },
    );
  }
}

export function changeOf(
  price: number | null,
  previousClose: number | null,
): { absolute: number; percent: number } | null {
  if (price === null || previousClose === null || previousClose === 0) return null;
  const absolute = price - previousClose;
  return { absolute, percent: (100 * absolute) / Math.abs(previousClose) };
}

export class Watchlist {
  /** Null before the list is known. */
  rows = $state.raw<readonly WatchRow[] | null>(null);
  /** Why the list could not be read, null when it could. */
  problem = $state<string | null>(null);

  /** Decimals of the most precise price, to which the others align. */
  get widest(): number {
    return Math.max(0, ...(this.rows ?? []).map((row) => row.summary.priceDecimals));
  }

  find(ticker: string | null): WatchRow | null {
    return this.rows?.find((row) => row.ticker === ticker) ?? null;
  }

  take(summaries: readonly TickerSummary[]): void {
    this.problem = null;
    const known = (this.rows ?? []).map((row) => row.ticker);
    this.rows = summaries.map((summary) => {
      const row = this.find(summary.ticker) ?? new WatchRow(summary);
      row.summary = summary;
      return row;
    });
    if (this.#client === null || known.join() === summaries.map(({ ticker }) => ticker).join()) return;
    this.#watchAll(this.#client);
  }

  async load(fetcher: Fetch): Promise<void> {
    try {
      this.take(await getTickers(fetcher));
    } catch (error) {
      this.problem = error instanceof RestError ? error.message : 'the answer of the server makes no sense';
    }
  }

  watch(client: Client): () => void {
    this.#client = client;
    this.#watchAll(client);
    return () => {
      this.#client = null;
      this.#stop();
    };
  }

  #client: Client | null = null;
  #ends: (() => void)[] = [];

  #watchAll(client: Client): void {
    // The new subscriptions come first: series that stay are then never dropped.
    const ends = (this.rows ?? []).map((row) => row.watch(client));
    this.#stop();
    this.#ends = ends;
  }

  #stop(): void {
    for (const end of this.#ends) end();
    this.#ends = [];
  }
}
