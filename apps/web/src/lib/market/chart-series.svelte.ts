/** The series that is charted: bars as they stand, forecast, freshness, and older bars on demand. */
import type { Client } from '@tapecast/client/client';
import type { LiveBar } from '@tapecast/contracts/bar';
import type { Forecast } from '@tapecast/contracts/forecast';
import type { Resolution } from '@tapecast/contracts/resolution';
import type { Status, WireError } from '@tapecast/contracts/socket';
import { HopTrail, type Hops } from './hops.ts';
import { mergeBars } from './merge-bars.ts';
import { getPrices, type Fetch } from './rest.ts';

/** Bars of the first snapshot, and of each older page. */
const PAGE_BARS = 1_000;

export type Older = 'more' | 'loading' | 'failed' | 'none';

export class ChartSeries {
  readonly ticker: string;
  readonly resolution: Resolution;
  bars = $state.raw<readonly LiveBar[]>([]);
  forecast = $state.raw<Forecast | null>(null);
  status = $state.raw<Status | null>(null);
  error = $state.raw<WireError | null>(null);
  /** Whether the server has told the bars, were it none. */
  loaded = $state(false);
  older = $state<Older>('more');
  /** How long the newest price took on its way here, null before one was seen to arrive. */
  hops = $state.raw<Hops | null>(null);
  readonly #client: Client;
  readonly #fetch: Fetch;

  constructor(client: Client, ticker: string, resolution: Resolution, fetcher: Fetch = fetch) {
    this.#client = client;
    this.#fetch = fetcher;
    this.ticker = ticker;
    this.resolution = resolution;
  }

  get key(): string {
    return `${this.ticker} ${this.resolution}`;
  }

  /** @returns ends the watching */
  watch(): () => void {
    const trail = new HopTrail();
    return this.#client.subscribe(
      { ticker: this.ticker, resolution: this.resolution, limit: PAGE_BARS },
      {
        snapshot: ({ bars }) => {
          this.bars = [...bars];
          this.loaded = true;
          this.error = null;
          if (bars.length < PAGE_BARS) this.older = 'none';
        },
        change: (bars, stamps) => {
          trail.arrived(stamps, Date.now());
          this.bars = mergeBars(this.bars, bars);
          this.error = null;
        },
        forecast: (forecast) => (this.forecast = forecast),
        status: (status) => {
          this.status = status;
          this.hops = trail.hopsOf(status) ?? this.hops;
        },
        error: (error) => (this.error = error),
      },
    );
  }

  /** A page of bars before the first one; the client hands it back as a new snapshot. */
  async loadOlder(): Promise<void> {
    const first = this.bars[0]?.[0];
    if (first === undefined || (this.older !== 'more' && this.older !== 'failed')) return;
    this.older = 'loading';
    try {
      const page = await getPrices(this.#fetch, this.ticker, {
        resolution: this.resolution,
        limit: PAGE_BARS,
        to: first - 1,
      });
      const complete = page.bars.length < PAGE_BARS;
      this.older = complete ? 'none' : 'more';
      this.#client.mergePage({ ticker: this.ticker, resolution: this.resolution }, { ...page, complete });
    } catch {
      this.older = 'failed';
    }
  }
}
