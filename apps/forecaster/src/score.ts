/**
 * Scores forecasts as their targets close. A hint that a bar closed, or that a closed one was corrected, is acted upon after a
 * short quiet; a sweep finds bars that closed by the clock and hints that were lost. Scoring twice changes nothing, so
 * replicas need no agreement. docs/decisions tells why this is no job of the queue.
 */
import { BarsHint, type SeriesHint } from '@tapecast/contracts/notify';
import { type Database } from '@tapecast/db/database';
import { listNewestKeys, scoreForecasts, type ClosedSeries, type ScoreCounts } from '@tapecast/db/scores-write';
import { listTickers } from '@tapecast/db/tickers';
import { newestClose, newestKeyAt } from './closed-bar.ts';
import { createQuietTimer } from './quiet-timer.ts';

export interface ScorerOptions {
  db: Database;
  onScored(counts: ScoreCounts, milliseconds: number): void;
  onError(error: unknown): void;
  /** Milliseconds since 1970. */
  now?: () => number;
}

export interface Scorer {
  /** A payload of BARS_CHANNEL, unparsed. */
  hint(payload: unknown): void;
  /** Looks at every series as soon as possible. */
  sweep(): void;
  /** Ends when the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

const QUIET_MS = 1_000;
const LONGEST_QUIET_MS = 5_000;
const SWEEP_MS = 30_000;
const RETRY_MS = 2_000;

export function createScorer(options: ScorerOptions): Scorer {
  const { db, now = Date.now } = options;
  const timer = createQuietTimer({ quietMs: QUIET_MS, longestMs: LONGEST_QUIET_MS, now });
  /** The open bar of each series at the last look: its own changes close nothing. */
  const open = new Map<string, number>();

  function hint(payload: unknown): void {
    const parsed = BarsHint.safeParse(payload);
    if (!parsed.success) return;
    if (parsed.data.series.length === 0 || parsed.data.series.some(touchesClosed)) timer.touch();
  }

  function touchesClosed(series: SeriesHint): boolean {
    if (series.resolution === '1m') return false;
    const openKey = open.get(keyOf(series));
    if (openKey === undefined) return true;
    return 'bars' in series ? series.bars.some(([time]) => time !== openKey) : true;
  }

  async function run(signal: AbortSignal): Promise<void> {
    timer.ringIn(0);
    while (!signal.aborted) {
      await timer.wait(signal);
      if (signal.aborted) return;
      let pause = SWEEP_MS;
      try {
        await round();
      } catch (error) {
        options.onError(error);
        pause = RETRY_MS;
      }
      timer.ringIn(pause);
    }
  }

  async function round(): Promise<void> {
    const started = now();
    const [tickers, newest] = await Promise.all([listTickers(db), listNewestKeys(db)]);
    const exchanges = new Map(tickers.map((exchange) => [exchange.ticker, exchange]));
    const closed: ClosedSeries[] = [];
    for (const { ticker, resolution, keys } of newest) {
      const exchange = exchanges.get(ticker);
      const close = exchange && newestClose(exchange, resolution, keys, started / 1_000);
      if (exchange === undefined || close == null) continue;
      const closedUntil = newestKeyAt(exchange, resolution, close);
      const last = keys.at(-1) ?? 0;
      if (last > closedUntil) open.set(keyOf({ ticker, resolution }), last);
      else open.delete(keyOf({ ticker, resolution }));
      closed.push({ ticker, resolution, closedUntil });
    }
    const counts = await scoreForecasts(db, closed);
    options.onScored(counts, now() - started);
  }

  return { hint, sweep: () => timer.ringIn(0), run };
}

function keyOf({ ticker, resolution }: { ticker: string; resolution: string }): string {
  return `${ticker} ${resolution}`;
}
