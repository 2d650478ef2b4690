/** What subscribers and feeds read of series: kept for a moment, shared while under way, a few at a time. */
import type { Resolution } from '@tapecast/contracts/resolution';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { Epoch, Revision } from '@tapecast/contracts/units';
import { readChanges, readSeries, type SeriesChanges, type SeriesPage } from '@tapecast/db/bars';
import type { Database } from '@tapecast/db/database';
import type { HubMetrics } from './metrics.ts';
import { PageCache } from './page-cache.ts';
import { Reads } from './reads.ts';

export interface PagesOptions {
  db: Database;
  metrics: HubMetrics;
  epoch(): Epoch | null;
  /** The newest revision that is known of: told to subscribers, or about to be. A page must not be older. */
  newestOf(ticker: Ticker, resolution: Resolution): Revision;
}

export class Pages {
  readonly reads = new Reads();
  readonly #options: PagesOptions;
  readonly #snapshots = new PageCache<SeriesPage>();
  readonly #changes = new PageCache<SeriesChanges>();

  constructor(options: PagesOptions) {
    this.#options = options;
  }

  /** Everything that changed after a revision; incomplete beyond `limit` bars. Null for a series that is not there. */
  async changes(ticker: Ticker, resolution: Resolution, after: Revision, limit: number): Promise<SeriesChanges | null> {
    const { db, metrics, epoch, newestOf } = this.#options;
    const key = `changes ${ticker} ${resolution} ${after} ${limit}`;
    const known = this.#changes.get(key, epoch(), newestOf(ticker, resolution));
    if (known !== null) return known;
    return this.reads.share(key, async () => {
      metrics.reads.inc({ what: 'changes' });
      const page = await readChanges(db, { ticker, resolution, after, limit });
      if (page !== null) this.#changes.put(key, page);
      return page;
    });
  }

  /** The newest `limit` bars. Null for a series that is not there. */
  async snapshot(ticker: Ticker, resolution: Resolution, limit: number): Promise<SeriesPage | null> {
    const { db, metrics, epoch, newestOf } = this.#options;
    const key = `snapshot ${ticker} ${resolution} ${limit}`;
    const known = this.#snapshots.get(key, epoch(), newestOf(ticker, resolution));
    if (known !== null) return known;
    return this.reads.share(key, async () => {
      metrics.reads.inc({ what: 'snapshot' });
      const page = await readSeries(db, { ticker, resolution, limit });
      if (page !== null) this.#snapshots.put(key, page);
      return page;
    });
  }
}
