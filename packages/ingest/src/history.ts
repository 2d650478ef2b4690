/**
 * Keeps the history of all tickers complete: fills it at first start, finest resolution first so that charts show soon,
 * then whenever an hour has closed and whenever polling comes back after an outage. One request at a time; what fails is
 * asked for again later.
 */
import { NATIVE_RESOLUTIONS, type NativeResolution } from '@tapecast/contracts/resolution';
import { type Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { backfillSeries, historyStart, type BackfillResult, type SeriesName } from './backfill.ts';
import { createChores, type ChoreEvents } from './chores.ts';
import { type FillContext } from './fill.ts';
import { nextHourClose } from './repair.ts';
import { isRetryable, VendorError } from './sources/errors.ts';

export interface HistoryEvents extends ChoreEvents {
  /** A first fill is done: number `done` of `total`. */
  onBackfilled?(series: SeriesName, result: BackfillResult, done: number, total: number): void;
  onRepaired?(series: SeriesName, result: BackfillResult): void;
  onFailed?(series: SeriesName, error: unknown, retryInSeconds: number | null): void;
}

export interface HistoryOptions extends FillContext, HistoryEvents {
  backfillFrom: UnixSeconds | null;
}

export interface History {
  /** The tickers to care for from now on. */
  setTickers(tickers: readonly Ticker[]): void;
  /** Polling came back: looks for gaps now, and again when the bars of this minute have closed. */
  resume(): void;
  /** Something about this ticker's prices says that its history may have been restated: looks at its days now. */
  look(ticker: Ticker): void;
  /** First fills still to be done. */
  pending(): number;
  /** Works until the signal is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

interface Task extends SeriesName {
  dueAt: number;
  failures: number;
  /** The first fill has not been done yet. */
  first: boolean;
  /** The source is asked even where no bar is missing. */
  asked: boolean;
  /** When the newest look began. */
  lookedAt: number;
  /** When all of the history was looked through, and not only what is recent. */
  wholeAt: number;
}

/** Resolutions in the order in which a chart misses them; the task's place within that is its ticker's. */
const ORDER: Record<NativeResolution, number> = { '1m': 0, '1d': 1, '1h': 2 };
/** A look each hour goes back so far, one each day through all of the history. */
const RECENT_SECONDS: Record<NativeResolution, number> = { '1m': 2 * 86_400, '1h': 14 * 86_400, '1d': 60 * 86_400 };
const WHOLE_EVERY_SECONDS = 86_400;
const IDLE_SECONDS = 1;
const AFTER_RESUME_SECONDS = 75;
const LONGEST_RETRY_SECONDS = 300;

export function createHistory(options: HistoryOptions): History {
  const { clock, book } = options;
  const tasks = new Map<string, Task>();
  const chores = createChores(options);
  let total = 0;
  let done = 0;
  let resumedAt = Number.NEGATIVE_INFINITY;
  const now = () => Math.floor(clock.now() / 1_000);

  function nextTask(): Task | undefined {
    const due = [...tasks.values()].filter((task) => task.dueAt <= now());
    return due.sort((a, b) => Number(b.first) - Number(a.first) || ORDER[a.resolution] - ORDER[b.resolution])[0];
  }

  async function work(task: Task, signal: AbortSignal): Promise<void> {
    task.lookedAt = now();
    try {
      const result = await fillMissing(task, signal);
      if (result !== null) {
        if (result.restate) chores.wake();
        if (task.first) options.onBackfilled?.(task, result, (done += 1), total);
        else options.onRepaired?.(task, result);
      }
      schedule(task);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof VendorError && !isRetryable(error)) {
        // Unknown to the vendor: the hourly look will find out when that changes.
        options.onFailed?.(task, error, null);
        if (task.first) done += 1;
        schedule(task);
        return;
      }
      task.failures += 1;
      const pause = Math.min(LONGEST_RETRY_SECONDS, 2 ** task.failures);
      task.dueAt = now() + pause;
      options.onFailed?.(task, error, pause);
    }
  }

  async function fillMissing(task: Task, signal: AbortSignal): Promise<BackfillResult | null> {
    const whole = task.first || now() - task.wholeAt >= WHOLE_EVERY_SECONDS;
    const { ticker, resolution } = task;
    const { backfillFrom } = options;
    const recent = Math.max(now() - RECENT_SECONDS[resolution], historyStart(resolution, now(), backfillFrom));
    const scan = { from: whole ? null : unixSeconds(recent), backfillFrom, newest: task.first || task.asked };
    const result = await backfillSeries(options, { ticker, resolution }, scan, signal);
    if (whole) task.wholeAt = now();
    return result;
  }

  function schedule(task: Task): void {
    const session = book.knownSession(task.ticker);
    task.first = false;
    task.asked = false;
    task.failures = 0;
    const hourly = session === null ? now() + 3_600 : nextHourClose(session, now(), book.delayOf(task.ticker));
    // However long a look took: one that began before the minute of the return had closed cannot have seen it.
    const afterResume = resumedAt + AFTER_RESUME_SECONDS;
    task.dueAt = afterResume > task.lookedAt ? Math.min(hourly, afterResume) : hourly;
  }

  return {
    setTickers: (tickers) => {
      const wanted = new Set<string>();
      for (const resolution of NATIVE_RESOLUTIONS) {
        for (const ticker of tickers) {
          const name = `${ticker} ${resolution}`;
          wanted.add(name);
          if (tasks.has(name)) continue;
          tasks.set(name, {
            ticker,
            resolution,
            dueAt: now(),
            failures: 0,
            first: true,
            asked: false,
            lookedAt: 0,
            wholeAt: 0,
          });
          total += 1;
        }
      }
      for (const name of tasks.keys()) if (!wanted.has(name)) tasks.delete(name);
      chores.setTickers(tickers);
    },
    look: (ticker) => {
      const days = tasks.get(`${ticker} 1d`);
      if (days === undefined) return;
      days.asked = true;
      days.dueAt = Math.min(days.dueAt, now());
    },
    resume: () => {
      resumedAt = now();
      for (const task of tasks.values()) task.dueAt = Math.min(task.dueAt, now());
    },
    pending: () => [...tasks.values()].filter((task) => task.first).length,
    run: async (signal) => {
      try {
        while (!signal.aborted) {
          if (await chores.doNext(signal)) continue;
          const task = nextTask();
          if (task === undefined) await clock.sleep(IDLE_SECONDS * 1_000, signal);
          else await work(task, signal);
        }
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    },
  };
}
