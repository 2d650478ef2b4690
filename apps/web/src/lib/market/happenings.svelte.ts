/** Splits, dividends and bad bars of a ticker: read when it is chosen, and again now and then. */
import type { BarRepair, CorporateAction } from '@tapecast/contracts/actions';
import { getActions, getRepairs, type Fetch } from './rest.ts';

const RENEW_MS = 60_000;
const RETRY_MS = 5_000;

export class Happenings {
  actions = $state.raw<readonly CorporateAction[]>([]);
  repairs = $state.raw<readonly BarRepair[]>([]);

  /** Reads now and every minute. @returns ends the reading */
  follow(ticker: string, fetcher: Fetch): () => void {
    [this.actions, this.repairs] = [[], []];
    let ended = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const read = async () => {
      let pause = RENEW_MS;
      try {
        const [{ actions }, { repairs }] = await Promise.all([
          getActions(fetcher, ticker),
          getRepairs(fetcher, ticker),
        ]);
        if (ended) return;
        [this.actions, this.repairs] = [actions, repairs];
      } catch {
        // Marks are beside the point while prices cannot be read either: the page says that elsewhere.
        pause = RETRY_MS;
      }
      if (!ended) timer = setTimeout(() => void read(), pause);
    };
    void read();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }
}
