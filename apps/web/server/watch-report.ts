/** Tells the database which tickers this replica's clients look at: the forecaster serves those first. */
import type { Database } from '@tapecast/db/database';
import { noteWatched } from '@tapecast/db/watched';
import type { Logger } from '@tapecast/runtime/logger';

export interface WatchReport {
  close(): Promise<void>;
}

const EVERY_MS = 15_000;

export function startWatchReport(options: {
  db: Database;
  watched(): Iterable<string>;
  logger: Logger;
  everyMs?: number;
}): WatchReport {
  const { db, watched, logger, everyMs = EVERY_MS } = options;
  let telling: Promise<void> | null = null;

  const timer = setInterval(() => {
    telling ??= noteWatched(db, [...watched()])
      // Forecasts are made all the same, in another order.
      .catch((err: unknown) => logger.debug({ err }, 'what is watched could not be told'))
      .finally(() => (telling = null));
  }, everyMs);
  return {
    async close() {
      clearInterval(timer);
      await telling;
    },
  };
}
