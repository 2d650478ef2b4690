/** Several ingestors as processes: they share the tickers and one request budget, also while one of them is killed. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '@tapecast/db/database';
import { ensureTickers } from '@tapecast/db/tickers';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';
import { startYahoo, type YahooStub } from '../support/yahoo/server.ts';
import { QUEUE_SERVERS, type QueueServer } from './queue-servers.ts';

const MAIN = join(import.meta.dirname, '../../apps/ingestor/src/main.ts');
const PER_SECOND = 6;
const BURST = 2;

interface Seen {
  at: number;
  /** Tickers of a poll; none for any other request. */
  symbols: string[];
}

describe.each(QUEUE_SERVERS)('ingestors that share a queue on $name', ({ name, start }) => {
  // The full measure on the stack's own queue; the other one is asked to do the same on a smaller scale.
  const [tickerCount, periodSeconds] = name === 'Redis' ? [2_000, 5] : [600, 3];
  const period = periodSeconds * 1_000;
  const tickers = Array.from({ length: tickerCount }, (_, index) => `T${String(index).padStart(4, '0')}`);
  let database: TestDatabase;
  let queue: QueueServer;
  let vendor: YahooStub;
  let seen: Seen[];
  let ingestors: ServerProcess[];

  beforeEach(async () => {
    seen = [];
    ingestors = [];
    [database, queue] = await Promise.all([createDatabase(), start()]);
    vendor = await startYahoo({
      dataDir: undefined,
      onRequest: (request) => {
        const url = new URL(request, 'http://vendor.test');
        const symbols = url.pathname === '/v7/finance/quote' ? (url.searchParams.get('symbols') ?? '').split(',') : [];
        seen.push({ at: Date.now(), symbols });
      },
    });
    const db = openDatabase({ url: database.url, applicationName: 'poll test' });
    await ensureTickers(db, tickers);
    await db.close();
  });
  afterEach(async () => {
    await Promise.all(ingestors.map((ingestor) => ingestor.end()));
    await vendor.close();
    await queue.stop();
    await database.drop();
  });

  async function startIngestors(count: number, pollSeconds = periodSeconds): Promise<void> {
    const { PATH = '' } = process.env;
    const env = {
      PATH,
      DATABASE_URL: database.asRole('tapecast_ingestor'),
      QUEUE_URL: queue.url,
      PRICE_SOURCE: 'yahoo',
      YAHOO_ORIGIN: vendor.origin,
      POLL_SECONDS: String(pollSeconds),
      VENDOR_REQUESTS_PER_SECOND: String(PER_SECOND),
      VENDOR_BURST: String(BURST),
      NODE_ENV: 'production',
    };
    const begin = () => startServerProcess(process.execPath, [MAIN], /prices come from yahoo/, env);
    ingestors.push(...(await Promise.all(Array.from({ length: count }, begin))));
  }

  const cycleOf = (time: number): number => Math.floor(time / period);
  /** Waits until the cycle has ended. */
  const ended = (cycle: number): Promise<void> => sleep(Math.max(0, (cycle + 1) * period - Date.now()));

  /** How often each ticker was polled in a cycle, as {times: tickers}. */
  function pollsIn(cycle: number): Record<number, number> {
    const counts = new Map(tickers.map((ticker) => [ticker, 0]));
    for (const { at, symbols } of seen) {
      if (cycleOf(at) === cycle) for (const symbol of symbols) counts.set(symbol, (counts.get(symbol) ?? 0) + 1);
    }
    const histogram: Record<number, number> = {};
    for (const times of counts.values()) histogram[times] = (histogram[times] ?? 0) + 1;
    return histogram;
  }

  /** The most requests that arrived within any one second. */
  function busiestSecond(): number {
    return Math.max(...seen.map(({ at }) => seen.filter((other) => other.at >= at && other.at < at + 1_000).length));
  }

  it(
    `poll ${tickerCount} tickers every ${periodSeconds} s: each once a cycle, within the budget, also while one is killed`,
    async () => {
      await startIngestors(3);
      const first = cycleOf(Date.now()) + 2;
      await ended(first + 2);
      await sleep(period / 10);
      const killedIn = cycleOf(Date.now());
      await ingestors[0]?.end('SIGKILL');
      await ended(killedIn + 3);

      for (const cycle of [first, first + 1, first + 2, killedIn + 1, killedIn + 2, killedIn + 3]) {
        expect(pollsIn(cycle), `cycle ${cycle - killedIn} after the kill`).toEqual({ 1: tickerCount });
      }
      expect(busiestSecond()).toBeLessThanOrEqual(PER_SECOND + BURST);
      // The histories were loaded meanwhile: the budget was not idle.
      expect(seen.length).toBeGreaterThan(PER_SECOND * periodSeconds * 5);
    },
    period * 16,
  );

  it('stop while the queue is away, and go on when it is back', async () => {
    await startIngestors(2, 2);
    const polls = () => seen.filter(({ symbols }) => symbols.length > 0).length;
    await vi.waitFor(() => expect(polls()).toBeGreaterThan(0), { timeout: 20_000 });
    await queue.kill();
    await sleep(2_000);
    const before = polls();
    await sleep(2_000);
    expect(polls()).toBe(before);
    await queue.restart();
    await vi.waitFor(() => expect(polls()).toBeGreaterThan(before + 3), { timeout: 30_000 });
  }, 70_000);
});
