/**
 * Backtests for a fresh start: before any live forecast can be scored, the same models are asked at earlier moments of the
 * stored history. Bounded and last in line: one series at a time, one thread, only while nothing live is waiting. Whoever looks at a
 * series has its scorecard first.
 */
import { barClose } from '@tapecast/calendar/bars';
import { sessionOf } from '@tapecast/calendar/sessions';
import { type ForecastJob } from '@tapecast/contracts/jobs';
import { FORECAST_HORIZONS, type ForecastResolution } from '@tapecast/contracts/resolution';
import { BACKTEST } from '@tapecast/contracts/scores';
import { Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { readClosedCloses } from '@tapecast/db/bars';
import { type Database } from '@tapecast/db/database';
import { readEpoch } from '@tapecast/db/epoch';
import { listUntested, type Untested } from '@tapecast/db/scores-backtest';
import { listTickers } from '@tapecast/db/tickers';
import { listWatched } from '@tapecast/db/watched';
import { jobId } from '@tapecast/queue/job-id';
import { type Producer } from '@tapecast/queue/producer';
import { type Exchange } from './closed-bar.ts';
import { FEWEST_BARS } from './models/series.ts';
import { priorityOf, WATCHED_SECONDS } from './priority.ts';

export interface BacktestPlanner {
  /** Plans the next series' backtest, if there is one to be made and nothing else is waiting. */
  next(): Promise<void>;
}

export function createBacktestPlanner(options: {
  db: Database;
  producer: Producer<ForecastJob>;
  /** Jobs that are waiting or at work, live ones and backtests. */
  busy(): Promise<number>;
  mostSeries: number;
}): BacktestPlanner {
  const { db, producer, busy, mostSeries } = options;
  const planned = new Set<string>();
  let done = mostSeries === 0;
  let planning = false;

  async function next(): Promise<void> {
    if (done || planning) return;
    planning = true;
    try {
      if ((await busy()) > 0) return;
      const [{ tested, untested }, watched] = await Promise.all([listUntested(db), listWatched(db, WATCHED_SECONDS)]);
      const urgency = (each: Untested['untested'][number]): number =>
        priorityOf({ ...each, watched: watched.has(each.ticker) });
      const [series] = untested.filter((each) => !planned.has(keyOf(each))).sort((a, b) => urgency(a) - urgency(b));
      done = tested + planned.size >= mostSeries;
      if (done || series === undefined) return;
      await plan(series.ticker, series.resolution);
      planned.add(keyOf(series));
    } finally {
      planning = false;
    }
  }

  async function plan(ticker: string, resolution: ForecastResolution): Promise<void> {
    const exchange = (await listTickers(db)).find((row) => row.ticker === ticker);
    if (exchange === undefined) return;
    const { origins, spacing } = BACKTEST[resolution];
    const limit = origins * spacing + FORECAST_HORIZONS[resolution] + FEWEST_BARS;
    const [bars, epoch] = await Promise.all([
      readClosedCloses(db, { ticker, resolution, until: unixSeconds(Date.now() / 1_000), limit }),
      readEpoch(db),
    ]);
    const keys = bars.map(({ time }) => time);
    for (const madeAt of backtestMoments(exchange, resolution, keys)) {
      const id = jobId('backtest', ticker, resolution, madeAt, epoch);
      await producer.add({ ticker: Ticker.parse(ticker), resolution, madeAt }, { jobId: id });
    }
  }

  return { next };
}

/**
 * @param keys keys of the series' newest bars, rising; the last one may be open
 * @returns closes at which every target of a forecast has closed by now, newest first
 */
export function backtestMoments(
  exchange: Exchange,
  resolution: ForecastResolution,
  keys: readonly UnixSeconds[],
): UnixSeconds[] {
  const { origins, spacing } = BACKTEST[resolution];
  const newest = keys.length - 2 - FORECAST_HORIZONS[resolution];
  const session = sessionOf(exchange);
  return Array.from({ length: origins }, (_, k) => newest - k * spacing)
    .filter((index) => index >= FEWEST_BARS - 1)
    .map((index) => unixSeconds(barClose(session, resolution, keys[index] ?? 0)));
}

function keyOf({ ticker, resolution }: { ticker: string; resolution: string }): string {
  return `${ticker} ${resolution}`;
}
