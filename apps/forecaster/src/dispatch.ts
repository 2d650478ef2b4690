/**
 * Plans forecasts. A hint that a series has a new bar is acted upon after a short quiet, so that a backfill's many
 * pages cost one look; a sweep of all series finds what no hint told: bars that closed by the clock, hints that were lost,
 * jobs that failed. Planning the same twice adds nothing, so replicas need no agreement.
 */
import { type ForecastJob } from '@tapecast/contracts/jobs';
import { BarsHint, type SeriesHint } from '@tapecast/contracts/notify';
import { ForecastResolution } from '@tapecast/contracts/resolution';
import { type Epoch } from '@tapecast/contracts/units';
import { readClosedCloses } from '@tapecast/db/bars';
import { type Database } from '@tapecast/db/database';
import { readEpoch } from '@tapecast/db/epoch';
import { listNewestForecasts, type NewestForecast } from '@tapecast/db/forecasts';
import { listTickers } from '@tapecast/db/tickers';
import { listWatched } from '@tapecast/db/watched';
import { jobId } from '@tapecast/queue/job-id';
import { type Producer } from '@tapecast/queue/producer';
import { BARS_TO_SEE, newestKeyPossible, planSeries, type DueSeries } from './plan.ts';
import { priorityOf, WATCHED_SECONDS } from './priority.ts';
import { createQuietTimer } from './quiet-timer.ts';

export interface DispatchOptions {
  db: Database;
  producer: Producer<ForecastJob>;
  onPlanned(job: ForecastJob): void;
  /** A round went through; with the newest forecasts as they were when it began. */
  onRound(newest: readonly NewestForecast[]): void;
  onError(error: unknown): void;
  /** Milliseconds since 1970. */
  now?: () => number;
  sweepMs?: number;
}

export interface Dispatcher {
  /** A payload of BARS_CHANNEL, unparsed. */
  hint(payload: unknown): void;
  /** Looks at every series as soon as possible. */
  sweep(): void;
  /** Ends when the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

const SWEEP_MS = 30_000;
const RETRY_MS = 2_000;
const AT_A_TIME = 4;
/** A job that failed for good this long ago is tried again, while its forecast is still the one that is due. */
const REVIVE_AFTER_MS = 5 * 60_000;

const RESOLUTIONS = ForecastResolution.options;

export function createDispatcher(options: DispatchOptions): Dispatcher {
  const { db, producer, now = Date.now, sweepMs = SWEEP_MS } = options;
  const timer = createQuietTimer({ quietMs: 1_000, longestMs: 5_000, now });
  /** Newest key seen of each series that has a forecast or a job; other series are looked at again at every hint. */
  const settled = new Map<string, number>();
  /** Newest key at the last look at each series. */
  const seen = new Map<string, number>();
  let dirty = new Set<string>();
  let everything = true;

  function hint(payload: unknown): void {
    const parsed = BarsHint.safeParse(payload);
    if (!parsed.success) return;
    // Without series it tells of a new epoch: anything may have changed.
    if (parsed.data.series.length === 0) sweep();
    const news = parsed.data.series.filter((series) => newestTime(series) > (settled.get(keyOf(series)) ?? -Infinity));
    for (const series of news) {
      if (RESOLUTIONS.some((resolution) => resolution === series.resolution)) dirty.add(keyOf(series));
    }
    if (dirty.size > 0) timer.touch();
  }

  function sweep(): void {
    everything = true;
    timer.ringIn(0);
  }

  async function run(signal: AbortSignal): Promise<void> {
    let sweepAt = now();
    while (!signal.aborted) {
      timer.ringIn(sweepAt - now());
      await timer.wait(signal);
      if (signal.aborted) return;
      const all = everything || now() >= sweepAt;
      const only = all ? null : dirty;
      [dirty, everything] = [new Set(), false];
      try {
        await round(only, signal);
        if (all) sweepAt = now() + sweepMs;
      } catch (error) {
        options.onError(error);
        everything = true;
        sweepAt = now() + RETRY_MS;
      }
    }
  }

  /** @param only series to look at; null: all */
  async function round(only: ReadonlySet<string> | null, signal: AbortSignal): Promise<void> {
    const [tickers, newest, epoch, watched] = await Promise.all([
      listTickers(db, { activeOnly: true }),
      listNewestForecasts(db),
      readEpoch(db),
      listWatched(db, WATCHED_SECONDS),
    ]);
    const madeAt = new Map(newest.map((forecast) => [keyOf(forecast), forecast.madeAt]));
    const due = tickers.flatMap((exchange) =>
      RESOLUTIONS.map((resolution): DueSeries => {
        const { ticker } = exchange;
        const forecastAt = madeAt.get(keyOf({ ticker, resolution }));
        return { ticker, resolution, exchange, watched: watched.has(ticker), forecastAt };
      }),
    );
    const chosen = (only === null ? due : due.filter((series) => only.has(keyOf(series)))).sort(byUrgency);
    for (let start = 0; start < chosen.length && !signal.aborted; start += AT_A_TIME) {
      await Promise.all(chosen.slice(start, start + AT_A_TIME).map((series) => look(series, epoch)));
    }
    options.onRound(newest);
  }

  async function look(series: DueSeries, epoch: Epoch): Promise<void> {
    const { ticker, resolution } = series;
    const seconds = Math.floor(now() / 1_000);
    const until = newestKeyPossible(seconds);
    const bars = await readClosedCloses(db, { ticker, resolution, until, limit: BARS_TO_SEE });
    const keys = bars.map(({ time }) => time);
    const newest = keys.at(-1);
    if (newest === undefined) return;
    const key = keyOf(series);
    const plan = planSeries(series, keys, seen.get(key), seconds);
    seen.set(key, newest);
    if (plan === 'too short' || plan === 'still arriving') return;
    if (plan !== 'up to date') {
      // A database that was restored, or another one on the same queue, has its own forecasts to make.
      const id = jobId('forecast', ticker, resolution, plan.madeAt, epoch);
      // A page that was opened meanwhile moves up what waits already.
      const { watched } = series;
      await producer.add(plan, {
        ...{ jobId: id, priority: priorityOf(series), raise: watched },
        reviveAfterMs: REVIVE_AFTER_MS,
      });
      options.onPlanned(plan);
    }
    settled.set(key, newest);
  }

  return { hint, sweep, run };
}

function keyOf({ ticker, resolution }: { ticker: string; resolution: string }): string {
  return `${ticker} ${resolution}`;
}

/** Among equals those first that have been without news for longest. */
function byUrgency(a: DueSeries, b: DueSeries): number {
  return priorityOf(a) - priorityOf(b) || (a.forecastAt ?? -Infinity) - (b.forecastAt ?? -Infinity) || 0;
}

function newestTime(hint: SeriesHint): number {
  return 'bars' in hint ? Math.max(...hint.bars.map(([time]) => time)) : hint.to;
}
