/** Sources, rules and tables together: a local Yahoo in front, a real PostgreSQL behind. */
import { NATIVE_RESOLUTIONS } from '@tapecast/contracts/resolution';
import { Ticker } from '@tapecast/contracts/ticker';
import { unixSeconds } from '@tapecast/contracts/units';
import { readRange, readSeries } from '@tapecast/db/bars';
import { openDatabase, type Database } from '@tapecast/db/database';
import { readFeed } from '@tapecast/db/feed';
import { ensureTickers, listTickers } from '@tapecast/db/tickers';
import { systemClock, type Clock } from '@tapecast/ingest/clock';
import { createHistory } from '@tapecast/ingest/history';
import { createInstrumentBook } from '@tapecast/ingest/instrument-book';
import { createRequestBudget } from '@tapecast/ingest/sources/request-budget';
import { createSimulatedSource } from '@tapecast/ingest/sources/simulated';
import { type PriceSource } from '@tapecast/ingest/sources/source';
import { createYahooSource } from '@tapecast/ingest/sources/yahoo';
import { createQuoteWriter, type Poll } from '@tapecast/ingest/write';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { loadRecordings } from '../support/yahoo/recordings.ts';
import { FAULTS, startYahoo, type YahooStub } from '../support/yahoo/server.ts';

const DATA_DIR = process.env['TEST_DATA_DIR'];
const { charts } = loadRecordings(DATA_DIR);
const RECORDED = Ticker.parse(charts.has('TSLA') ? 'TSLA' : 'DEMO');
const DEMO = Ticker.parse('DEMO');
const COIN = Ticker.parse('COIN-USD');
const never = new AbortController().signal;

/** Wednesday noon in New York, the US session open. */
let now = Date.UTC(2026, 5, 17, 16, 0, 15);
const clock: Clock = {
  now: () => now,
  sleep: (milliseconds, signal) => systemClock.sleep(Math.min(5, milliseconds), signal),
};

let test: TestDatabase;
let db: Database;
let stub: YahooStub;
let source: PriceSource;

beforeEach(async () => {
  now = Date.UTC(2026, 5, 17, 16, 0, 15);
  test = await createDatabase();
  db = openDatabase({ url: test.asRole('tapecast_ingestor'), applicationName: 'ingest test' });
  stub = await startYahoo({ dataDir: DATA_DIR, now: () => now });
  source = yahooWithin(10_000);
});

afterEach(async () => {
  await stub.close();
  await db.close();
  await test.drop();
});

function yahooWithin(timeoutMs: number): PriceSource {
  return createYahooSource({
    origin: stub.origin,
    clock,
    timeoutMs,
    budget: createRequestBudget({ perSecond: 1_000, burst: 1_000 }),
    resilience: { retries: 1, firstDelayMs: 1, failures: 1_000, restMs: 10 },
  });
}

async function poll(tickers: readonly Ticker[], from = source): Promise<Poll> {
  try {
    return { receivedAt: now, reply: await from.quotes(tickers, never) };
  } catch (error) {
    return { receivedAt: now, error: String(error) };
  }
}

/** Fills what is due and stops when nothing is left to do. */
async function keepHistory(tickers: readonly Ticker[], from: PriceSource, backfillFrom: number | null = null) {
  const stop = new AbortController();
  const events: string[] = [];
  const history = createHistory({
    db,
    source: from,
    book: createInstrumentBook(),
    backfillFrom: backfillFrom === null ? null : unixSeconds(backfillFrom),
    clock: {
      now: clock.now,
      sleep: async () => stop.abort(),
    },
    onBackfilled: ({ ticker, resolution }, { bars }, done, total) =>
      events.push(`${ticker} ${resolution} ${bars} ${done}/${total}`),
    onFailed: ({ ticker, resolution }, error) => events.push(`${ticker} ${resolution} ${String(error)}`),
  });
  history.setTickers(tickers);
  await history.run(stop.signal);
  return { history, events };
}

async function count(): Promise<number> {
  const tables = await Promise.all(
    NATIVE_RESOLUTIONS.map((name) =>
      db.pool.query<{ n: number }>(`SELECT count(*)::int AS n FROM stock_prices_${name}`),
    ),
  );
  return tables.reduce((sum, { rows }) => sum + (rows[0]?.n ?? 0), 0);
}

describe('backfill', () => {
  it('stores every recorded daily bar on its date, equal to the last digit', async () => {
    await ensureTickers(db, [RECORDED]);
    const { events } = await keepHistory([RECORDED], source, Date.UTC(2010, 0, 1) / 1_000);
    const recorded = charts.get(RECORDED);
    const local = new Intl.DateTimeFormat('en-CA', { timeZone: 'America/New_York' });
    const expected = recorded?.timestamp.map((time, index) => [
      Date.parse(`${local.format(time * 1_000)}T00:00:00Z`) / 1_000,
      ...['open', 'high', 'low', 'close', 'volume'].map((name) => recorded.columns[name]?.[index]),
    ]);
    const page = await readSeries(db, { ticker: RECORDED, resolution: '1d', limit: 10_000 });
    expect(page?.bars).toEqual(expected);
    expect(expected).toHaveLength(RECORDED === 'TSLA' ? 3_303 : 20);
    expect(events.map((event) => event.split(' ')[1])).toEqual(['1m', '1d', '1h']);
    expect(events.at(-1)).toMatch(/3\/3$/);
  });

  it('describes the tickers', async () => {
    await ensureTickers(db, [DEMO]);
    await keepHistory([DEMO], source);
    expect(await listTickers(db)).toMatchObject([
      { name: 'Demo Corporation', exchange: 'NMS', timezone: 'America/New_York', sessionOpen: 570, sessionClose: 960 },
    ]);
  });

  it('goes on where it stopped, and writes nothing when run again', async () => {
    await ensureTickers(db, [DEMO]);
    await keepHistory([DEMO], source);
    const before = await readSeries(db, { ticker: DEMO, resolution: '1h', limit: 10_000 });
    stub.requests.length = 0;
    await keepHistory([DEMO], source);
    const after = await readSeries(db, { ticker: DEMO, resolution: '1h', limit: 10_000 });
    expect(after).toEqual(before);
    const asked = stub.requests.find((request) => request.includes('interval=1h')) ?? '';
    const period1 = Number(new URL(asked, stub.origin).searchParams.get('period1'));
    // From the newest closed bar on: the hour after it is still forming.
    expect(period1).toBe(before?.bars.at(-2)?.[0]);
  });

  it('tells what the vendor refuses for good and goes on with the rest', async () => {
    const other = await startYahoo({ dataDir: undefined, now: () => now, unknown: ['GONE'] });
    try {
      const gone = Ticker.parse('GONE');
      await ensureTickers(db, [gone, DEMO]);
      const { events, history } = await keepHistory([gone, DEMO], createYahooSource({ origin: other.origin, clock }));
      expect(events.filter((event) => event.includes('VendorRefusedError'))).toHaveLength(3);
      expect(events.filter((event) => event.startsWith('DEMO'))).toHaveLength(3);
      expect(history.pending()).toBe(0);
    } finally {
      await other.close();
    }
  });

  it('fills a simulated database in all resolutions', async () => {
    const ticker = Ticker.parse('MSFT');
    await ensureTickers(db, [ticker]);
    const { events } = await keepHistory([ticker], createSimulatedSource({ clock }));
    expect(events).toEqual(['MSFT 1m 10079 1/3', 'MSFT 1d 3652 2/3', 'MSFT 1h 17519 3/3']);
  });
});

describe('polls', () => {
  it('make each of 200 served prices the close of the current minute, in order', async () => {
    await ensureTickers(db, [DEMO, COIN]);
    const writer = createQuoteWriter({ db, source: 'yahoo', pollSeconds: 1, book: createInstrumentBook() });
    const closes: number[] = [];
    let held = 0;
    for (let turn = 0; turn < 200; turn += 1) {
      await writer.write(await poll([DEMO, COIN]));
      const page = await readSeries(db, { ticker: DEMO, resolution: '1m', limit: 1 });
      expect(page?.revision).toBeGreaterThan(held);
      held = page?.revision ?? 0;
      closes.push(page?.bars[0]?.[4] ?? 0);
      now += 1_000;
    }
    expect(closes).toEqual(stub.served('DEMO').map(({ price }) => price));
  }, 120_000);

  it('keep day, hour and minute as the rules say', async () => {
    await ensureTickers(db, [DEMO, COIN]);
    const writer = createQuoteWriter({ db, source: 'yahoo', pollSeconds: 1, book: createInstrumentBook() });
    for (let turn = 0; turn < 4; turn += 1) {
      await writer.write(await poll([DEMO, COIN]));
      now += 20_000;
    }
    const prices = stub.served('DEMO').map(({ price }) => price);
    const hour = await readSeries(db, { ticker: DEMO, resolution: '1h', limit: 1 });
    expect(hour?.bars[0]?.slice(0, 5)).toEqual([
      Date.UTC(2026, 5, 17, 15, 30) / 1_000,
      prices[0],
      Math.max(...prices),
      Math.min(...prices),
      prices[3],
    ]);
    const [day] = (await readSeries(db, { ticker: DEMO, resolution: '1d', limit: 1 }))?.bars ?? [];
    expect(day?.[0]).toBe(Date.UTC(2026, 5, 17) / 1_000);
    expect(day?.[4]).toBe(prices[3]);
    const minutes = await readSeries(db, { ticker: DEMO, resolution: '1m', limit: 2 });
    expect(minutes?.bars[1]?.[5]).toBeGreaterThan(0);
    // A coin's volume is a rolling day: no minute's volume follows from it.
    const coin = await readSeries(db, { ticker: COIN, resolution: '1m', limit: 2 });
    expect(coin?.bars.map((bar) => bar[5])).toEqual([null, null]);
  });
});

describe('faults of the vendor', () => {
  it('change no price, are named, and end', async () => {
    await ensureTickers(db, [DEMO]);
    const book = createInstrumentBook();
    const writer = createQuoteWriter({ db, source: 'yahoo', pollSeconds: 1, book });
    await writer.write(await poll([DEMO]));
    for (const fault of FAULTS) {
      now += 1_000;
      stub.fault = fault;
      const before = await readSeries(db, { ticker: DEMO, resolution: '1m', limit: 10 });
      await writer.write(await poll([DEMO], fault === 'silence' ? yahooWithin(100) : source));
      expect(await readSeries(db, { ticker: DEMO, resolution: '1m', limit: 10 }), fault).toEqual(before);
      const feed = await readFeed(db);
      if (fault === 'frozen-time') expect(feed?.lastError).toBeNull();
      else expect(feed?.lastError, fault).toMatch(fault === 'null-closes' ? /null_price/ : /Vendor\w+Error/);

      stub.fault = null;
      now += 1_000;
      await writer.write(await poll([DEMO]));
      expect((await readFeed(db))?.lastError, `after ${fault}`).toBeNull();
      const after = await readSeries(db, { ticker: DEMO, resolution: '1m', limit: 1 });
      expect(after?.bars[0]?.[4], `after ${fault}`).toBe(stub.served('DEMO').at(-1)?.price);
    }
    const { rows } = await db.pool.query('SELECT ticker, resolution, reason, count::int FROM rejected_rows');
    expect(rows).toEqual([{ ticker: 'DEMO', resolution: null, reason: 'null_price', count: 1 }]);
  });

  it('bring no bar when a chart has no closes', async () => {
    await ensureTickers(db, [DEMO]);
    stub.fault = 'null-closes';
    await keepHistory([DEMO], source);
    expect(await count()).toBe(0);
    const { rows } = await db.pool.query<{ reason: string; resolution: string }>(
      'SELECT reason, resolution FROM rejected_rows ORDER BY resolution',
    );
    expect([...new Set(rows.map(({ reason }) => reason))]).toEqual(['null_price']);
  });

  it('name a quote that is older than the last one', async () => {
    await ensureTickers(db, [DEMO]);
    const reply = await source.quotes([DEMO], never);
    const older = reply.quotes.map((quote) => ({
      ...quote,
      price: 0.9 * (quote.price ?? 1),
      time: unixSeconds((quote.time ?? 0) - 5),
    }));
    const started = () => createQuoteWriter({ db, source: 'yahoo', pollSeconds: 1, book: createInstrumentBook() });
    const writer = started();
    await writer.write({ receivedAt: now, reply });
    const stale: Poll = { receivedAt: now, reply: { quotes: older, rejected: [] } };
    // Known from memory, and after a restart from the table.
    for (const each of [writer, started()]) {
      expect((await each.write(stale)).rejected.map(({ reason }) => reason)).toEqual(['older_than_last']);
    }
  });
});

describe('a gap', () => {
  it.each([
    ['in the session', Date.UTC(2026, 5, 17, 16, 0, 15)],
    ['when the vendor calls the market open on a Sunday', Date.UTC(2026, 5, 21, 16, 0, 15)],
  ])(
    'is filled with vendor bars when polling works again, and live bars are replaced: %s',
    async (_name, start) => {
      now = start;
      await ensureTickers(db, [DEMO]);
      const book = createInstrumentBook();
      const stop = new AbortController();
      const history = createHistory({ db, source, book, clock, backfillFrom: null });
      history.setTickers([DEMO]);
      const running = history.run(stop.signal);
      const writer = createQuoteWriter({ db, source: 'yahoo', pollSeconds: 1, book });
      const sources = async (from: number, to: number) => {
        const { rows } = await db.pool.query<{ source: string }>(
          'SELECT source FROM stock_prices_1m WHERE ticker = $1 AND time >= to_timestamp($2) AND time < to_timestamp($3) ORDER BY time',
          [DEMO, from, to],
        );
        return rows.map((row) => row.source);
      };
      try {
        await expect.poll(() => history.pending(), { timeout: 60_000 }).toBe(0);
        now += 60_000;
        const live = Math.floor(now / 60_000) * 60;
        await writer.write(await poll([DEMO]));
        expect(await sources(live, live + 60)).toEqual(['yahoo:live']);

        now += 20 * 60_000;
        await writer.write(await poll([DEMO]));
        const resumed = Math.floor(now / 60_000) * 60;
        history.resume();
        await expect.poll(() => sources(live, resumed), { timeout: 60_000 }).toEqual(Array(20).fill('yahoo'));
        expect(await sources(resumed, resumed + 60)).toEqual(['yahoo:live']);

        // The minute of the return has closed meanwhile.
        now += 90_000;
        await expect.poll(() => sources(resumed, resumed + 60), { timeout: 60_000 }).toEqual(['yahoo']);
        const page = await readRange(db, {
          ticker: DEMO,
          resolution: '1m',
          from: unixSeconds(live),
          to: unixSeconds(resumed),
        });
        expect(page?.bars).toHaveLength(21);
      } finally {
        stop.abort();
        await running;
      }
    },
    240_000,
  );
});
