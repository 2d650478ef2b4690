import { unixSeconds } from '@tapecast/contracts/units';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { startYahoo, type Fault, type YahooStub } from '../../../../tests/support/yahoo/server.ts';
import { collect, conformsToPriceSource, ticker } from './conformance.ts';
import {
  type VendorError,
  VendorFormatError,
  VendorRateLimitedError,
  VendorRefusedError,
  VendorSessionError,
  VendorTimeoutError,
  VendorUnavailableError,
} from './errors.ts';
import { createRequestBudget } from './request-budget.ts';
import type { BarsQuery } from './source.ts';
import { createYahooSource, type YahooOptions } from './yahoo.ts';

const never = new AbortController().signal;
const DEMO = ticker('DEMO');
const COIN = ticker('COIN-USD');

function sourceAt(stub: YahooStub, options: Partial<YahooOptions> = {}) {
  const resilience = { retries: 0, firstDelayMs: 1, failures: 100, restMs: 10 };
  const budget = createRequestBudget({ perSecond: 1_000, burst: 1_000 });
  return createYahooSource({ origin: stub.origin, resilience, budget, ...options });
}

conformsToPriceSource('yahoo', async () => {
  const stub = await startYahoo({ dataDir: undefined });
  return {
    source: sourceAt(stub),
    tickers: [ticker('GEN'), COIN],
    now: () => Date.now() / 1_000,
    close: () => stub.close(),
  };
});

describe('yahoo', () => {
  let stub: YahooStub;
  beforeEach(async () => {
    stub = await startYahoo({ dataDir: undefined, unknown: ['GONE'] });
  });
  afterEach(() => stub.close());

  it('sends cookie, crumb, quotes and charts to the one origin', async () => {
    const source = sourceAt(stub);
    await source.quotes([DEMO], never);
    await readAll(source, {
      ticker: DEMO,
      resolution: '1d',
      from: unixSeconds(0),
      to: unixSeconds(2e9),
      order: 'newest-first',
    });
    const paths = stub.requests.map((request) => request.split('?')[0]);
    expect(paths).toEqual(['/quote/AAPL', '/v1/test/getcrumb', '/v7/finance/quote', '/v8/finance/chart/DEMO']);
  });

  it('gives quotes as served, with the instrument', async () => {
    const { quotes } = await sourceAt(stub).quotes([DEMO, COIN], never);
    expect(quotes.map(({ price, time }) => ({ price, time }))).toEqual([
      stub.served('DEMO')[0],
      stub.served('COIN-USD')[0],
    ]);
    expect(quotes[0]?.instrument).toEqual({
      ticker: 'DEMO',
      name: 'Demo Corporation',
      exchange: 'NMS',
      currency: 'USD',
      timezone: 'America/New_York',
      instrumentType: 'EQUITY',
      priceDecimals: 2,
      sessionOpen: null,
      sessionClose: null,
    });
  });

  it('keeps the rest of a batch when the vendor does not know one symbol', async () => {
    const { quotes, rejected } = await sourceAt(stub).quotes([ticker('GONE'), DEMO], never);
    expect(quotes).toHaveLength(1);
    expect(rejected).toEqual([{ ticker: 'GONE', resolution: null, reason: 'unknown_symbol', raw: null }]);
  });

  it('asks for at most 200 symbols at once', async () => {
    const tickers = Array.from({ length: 401 }, (_, index) => ticker(`T${index}`));
    const { quotes } = await sourceAt(stub).quotes(tickers, never);
    expect(quotes).toHaveLength(401);
    const counts = stub.requests
      .filter((request) => request.startsWith('/v7/'))
      .map((request) => new URL(request, stub.origin).searchParams.get('symbols')?.split(',').length);
    expect(counts.sort()).toEqual([1, 200, 200]);
  });

  it('learns the session from a chart and keeps every value to the last digit', async () => {
    const source = sourceAt(stub);
    const range = { from: unixSeconds(Date.UTC(2025, 2, 1) / 1_000), to: unixSeconds(Date.UTC(2025, 2, 15) / 1_000) };
    const [page] = await readAll(source, { ticker: DEMO, resolution: '1d', ...range, order: 'oldest-first' });
    expect(page?.instrument).toMatchObject({ sessionOpen: 570, sessionClose: 960 });
    expect(page?.bars).toHaveLength(10);
    expect(page?.bars[0]).toEqual({
      time: 1741012200,
      open: 99.9844,
      high: 100.4844,
      low: 98.9845,
      close: 99.4845,
      closeAdj: 99.4845,
      volume: 1000000,
    });
  });

  it('cuts minutes into windows that the vendor permits and leaves out what it has not', async () => {
    const now = Date.now() / 1_000;
    const range = { from: unixSeconds(now - 100 * 86_400), to: unixSeconds(now) };
    const pages = await readAll(sourceAt(stub), { ticker: DEMO, resolution: '1m', ...range, order: 'newest-first' });
    expect(pages).toHaveLength(5);
  });

  it('opens a new session once when the old one is refused', async () => {
    const source = sourceAt(stub);
    await source.quotes([DEMO], never);
    stub.endSessions();
    const { quotes } = await source.quotes([DEMO], never);
    expect(quotes).toHaveLength(1);
    expect(stub.requests.filter((request) => request.startsWith('/v1/test/getcrumb'))).toHaveLength(2);
  });

  const named: [Fault, new (message: string) => VendorError][] = [
    ['429', VendorRateLimitedError],
    ['500', VendorUnavailableError],
    ['html', VendorFormatError],
    ['truncated', VendorFormatError],
    ['crumb-401', VendorSessionError],
    ['silence', VendorTimeoutError],
  ];
  for (const [fault, error] of named) {
    it(`names the fault ${fault}, before and after a session, and recovers`, async () => {
      const source = sourceAt(stub, { timeoutMs: 100 });
      stub.fault = fault;
      const first = await source.quotes([DEMO], never).catch((caught: unknown) => caught);
      expect(first).toBeInstanceOf(error);
      stub.fault = null;
      await source.quotes([DEMO], never);
      stub.fault = fault;
      await expect(source.quotes([DEMO], never)).rejects.toBeInstanceOf(error);
      stub.fault = null;
      expect((await source.quotes([DEMO], never)).quotes).toHaveLength(1);
    });
  }

  it('names a refused symbol as permanent, in the vendor’s words', async () => {
    const gone = readAll(sourceAt(stub), {
      ticker: ticker('GONE'),
      resolution: '1d',
      from: unixSeconds(0),
      to: unixSeconds(1e9),
      order: 'newest-first',
    });
    await expect(gone).rejects.toThrow(/symbol may be delisted/);
    await expect(gone).rejects.toBeInstanceOf(VendorRefusedError);
  });

  it('retries, then leaves the vendor alone while the breaker is open', async () => {
    const source = sourceAt(stub, { resilience: { retries: 2, firstDelayMs: 1, failures: 3, restMs: 60_000 } });
    stub.fault = '500';
    await expect(source.quotes([DEMO], never)).rejects.toThrow(/500/);
    expect(stub.requests).toHaveLength(3);
    await expect(source.quotes([DEMO], never)).rejects.toThrow(/left alone for a while.*500/);
    expect(stub.requests).toHaveLength(3);
  });

  it('does not ask again at once when the vendor was silent', async () => {
    const resilience = { retries: 2, firstDelayMs: 1, failures: 100, restMs: 10 };
    stub.fault = 'silence';
    const source = sourceAt(stub, { timeoutMs: 50, resilience });
    await expect(source.quotes([DEMO], never)).rejects.toBeInstanceOf(VendorTimeoutError);
    expect(stub.requests).toHaveLength(1);
  });

  it('says that nobody is there', async () => {
    const source = sourceAt({ ...stub, origin: 'http://127.0.0.1:1' });
    await expect(source.quotes([DEMO], never)).rejects.toBeInstanceOf(VendorUnavailableError);
  });

  it('passes every request through the budget', async () => {
    const lanes: string[] = [];
    const budget = { take: async (lane: string) => void lanes.push(lane) };
    const source = sourceAt(stub, { budget });
    await source.quotes([DEMO], never);
    await readAll(source, {
      ticker: DEMO,
      resolution: '1d',
      from: unixSeconds(0),
      to: unixSeconds(2e9),
      order: 'newest-first',
    });
    expect(lanes).toEqual(['poll', 'poll', 'poll', 'backfill']);
    expect(lanes).toHaveLength(stub.requests.length);
  });
});

async function readAll(source: ReturnType<typeof createYahooSource>, query: BarsQuery) {
  return collect(source.bars(query, never));
}
