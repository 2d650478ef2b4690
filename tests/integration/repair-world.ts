/** A vendor that can be wrong, a real PostgreSQL, and the history that an ingestor keeps of one made-up share. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { Ticker } from '@tapecast/contracts/ticker';
import { type LiveBar } from '@tapecast/contracts/bar';
import { readSeries } from '@tapecast/db/bars';
import { type Database } from '@tapecast/db/database';
import { unixSeconds } from '@tapecast/contracts/units';
import { listRepairs } from '@tapecast/db/repair-cases';
import { ensureTickers } from '@tapecast/db/tickers';
import { type Clock } from '@tapecast/ingest/clock';
import { createHistory, type HistoryEvents } from '@tapecast/ingest/history';
import { createInstrumentBook, type InstrumentBook } from '@tapecast/ingest/instrument-book';
import { createRequestBudget } from '@tapecast/ingest/sources/request-budget';
import { type PriceSource } from '@tapecast/ingest/sources/source';
import { createYahooSource } from '@tapecast/ingest/sources/yahoo';
import { startYahoo, type YahooStub } from '../support/yahoo/server.ts';

export const SHARE = Ticker.parse('ACME');
const DAY = 86_400;
/** Few bars, so that a busy machine is done with them soon. */
const HISTORY_FROM = '2026-06-15';

export interface RepairWorld {
  stub: YahooStub;
  source: PriceSource;
  book: InstrumentBook;
  /** Milliseconds since 1970; tests move it. */
  now: number;
  /** Does what is due, as an ingestor that has just been started. */
  keepHistory(events?: HistoryEvents, stop?: AbortController): Promise<void>;
  bars(resolution: NativeResolution): Promise<LiveBar[]>;
  close(): Promise<void>;
}

export async function createRepairWorld(db: Database): Promise<RepairWorld> {
  await ensureTickers(db, [SHARE]);
  const clock: Clock = { now: () => world.now, sleep: async () => undefined };
  const stub = await startYahoo({ dataDir: undefined, now: () => world.now });
  const source = createYahooSource({
    origin: stub.origin,
    clock,
    budget: createRequestBudget({ perSecond: 1_000, burst: 1_000 }),
    resilience: { retries: 1, firstDelayMs: 1, failures: 1_000, restMs: 10 },
  });
  const book = createInstrumentBook();
  const world: RepairWorld = {
    stub,
    source,
    book,
    /** Wednesday noon in New York, the US session open. */
    now: Date.UTC(2026, 5, 17, 16, 0, 15),
    keepHistory: async (events = {}, stop = new AbortController()) => {
      const idle: Clock = { now: clock.now, sleep: async () => stop.abort() };
      const failed: unknown[] = [];
      const history = createHistory({
        ...{ db, source: world.source, book, clock: idle, backfillFrom: unixSeconds(dayKey(HISTORY_FROM)) },
        ...events,
        onFailed: (_series, error) => failed.push(error),
      });
      history.setTickers([SHARE]);
      await history.run(stop.signal);
      if (failed.length > 0) throw failed[0];
    },
    bars: async (resolution) =>
      ((await readSeries(db, { ticker: SHARE, resolution, limit: 10_000 }))?.bars ?? []) as LiveBar[],
    close: () => stub.close(),
  };
  return world;
}

/** When the stub's day bars begin: half past nine in New York in winter. */
export const stubDay = (date: string): number => Date.parse(`${date}T14:30:00Z`) / 1_000;
export const dayKey = (date: string): number => Date.parse(`${date}T00:00:00Z`) / 1_000;

/** The largest step from a close to the next one, as a factor. */
export function largestStep(bars: readonly LiveBar[]): number {
  return bars.reduce((largest, bar, index) => {
    const before = bars[index - 1];
    return before === undefined ? largest : Math.max(largest, Math.exp(Math.abs(Math.log(bar[4] / before[4]))));
  }, 1);
}

export async function cases(db: Database) {
  const found = await listRepairs(db, {});
  return found.map(({ resolution, time, rule, state }) => ({ resolution, time, rule, state }));
}

export { DAY };
