/** About a year of a ticker's daily bars, read once for its key figures. */
import type { LiveBar } from '@tapecast/contracts/bar';
import { getPrices, type Fetch } from './rest.ts';

const YEAR_BARS = 370;

export class Year {
  days = $state.raw<readonly LiveBar[] | null>(null);
  failed = $state(false);

  /** @returns gives the reading up */
  read(ticker: string, fetcher: Fetch): () => void {
    let wanted = true;
    this.days = null;
    this.failed = false;
    getPrices(fetcher, ticker, { resolution: '1d', limit: YEAR_BARS }).then(
      ({ bars }) => {
        if (wanted) this.days = bars.filter((bar) => bar[4] !== null);
      },
      () => {
        if (wanted) this.failed = true;
      },
    );
    return () => (wanted = false);
  }
}
