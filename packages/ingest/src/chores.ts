/** Work on history that the database says is due: restating it after splits and dividends, and asking again for bad bars. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type Ticker } from '@tapecast/contracts/ticker';
import { listRechecks } from '@tapecast/db/bar-repairs';
import { DatabaseUnavailableError } from '@tapecast/db/errors';
import { listPendingRestatements } from '@tapecast/db/restatements';
import { type FillContext, type FillResult } from './fill.ts';
import { recheckBars, restateSeries, type Restated } from './restate.ts';
import { isRetryable, VendorError } from './sources/errors.ts';

interface SeriesName {
  ticker: Ticker;
  resolution: NativeResolution;
}

export interface ChoreEvents {
  onRestated?(series: SeriesName, result: Restated): void;
  onRechecked?(series: SeriesName, result: FillResult): void;
  onFailed?(series: SeriesName, error: unknown, retryInSeconds: number | null): void;
}

export interface Chores {
  setTickers(tickers: readonly Ticker[]): void;
  /** Something has become due. */
  wake(): void;
  /** @returns false when nothing is due now; failures are told and tried again later */
  doNext(signal: AbortSignal): Promise<boolean>;
}

/** How often the database is asked; what this process makes due wakes it. */
const LOOK_SECONDS = 60;
const LONGEST_RETRY_SECONDS = 300;
const REFUSED_RETRY_SECONDS = 3_600;

export function createChores(options: FillContext & ChoreEvents): Chores {
  const { db, clock } = options;
  let tickers: readonly Ticker[] = [];
  let lookAt = Number.NEGATIVE_INFINITY;
  const resting = new Map<Ticker, { until: number; failures: number }>();
  const now = () => Math.floor(clock.now() / 1_000);

  async function doOne(signal: AbortSignal): Promise<boolean> {
    const awake = tickers.filter((ticker) => (resting.get(ticker)?.until ?? 0) <= now());
    const [pending] = await listPendingRestatements(db, awake);
    if (pending !== undefined) {
      await attempt(pending, signal, async () => {
        const result = await restateSeries(options, pending, signal);
        options.onRestated?.(pending, result);
      });
      return true;
    }
    const [recheck] = await listRechecks(db, awake, now());
    if (recheck === undefined) return false;
    await attempt(recheck, signal, async () => {
      const result = await recheckBars(options, recheck, signal);
      options.onRechecked?.(recheck, result);
    });
    return true;
  }

  async function attempt(series: SeriesName, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    try {
      await work();
      resting.delete(series.ticker);
    } catch (error) {
      signal.throwIfAborted();
      const failures = (resting.get(series.ticker)?.failures ?? 0) + 1;
      const refused = error instanceof VendorError && !isRetryable(error);
      const pause = refused ? REFUSED_RETRY_SECONDS : Math.min(LONGEST_RETRY_SECONDS, 2 ** failures);
      resting.set(series.ticker, { until: now() + pause, failures });
      options.onFailed?.(series, error, pause);
    }
  }

  return {
    setTickers: (wanted) => {
      tickers = wanted;
    },
    wake: () => {
      lookAt = Number.NEGATIVE_INFINITY;
    },
    doNext: async (signal) => {
      if (now() < lookAt) return false;
      try {
        if (await doOne(signal)) return true;
      } catch (error) {
        // Without a database nothing is due; it is asked again later.
        signal.throwIfAborted();
        if (!(error instanceof DatabaseUnavailableError)) throw error;
      }
      const soonest = Math.min(...[...resting.values()].map(({ until }) => Math.max(now() + 1, until)));
      lookAt = Math.min(now() + LOOK_SECONDS, soonest);
      return false;
    },
  };
}
