/**
 * The main job on recorded replies of the vendor: they come in by yahoo-finance2, are stored, pushed and drawn. The
 * vendor is a local server whose price and time move at every poll; then it fails in every way that vendors fail.
 */
import type { BarsChange, Status, SubscribeAck } from '@tapecast/contracts/socket';
import pg from 'pg';
import type { Browser } from 'playwright-core';
import { io, type Socket } from 'socket.io-client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { startProduct, type Product } from '../support/product.ts';
import { type Fault, startYahoo, type YahooStub } from '../support/yahoo/server.ts';

const TICKERS = ['AAPL', 'AMZN', 'GOOG', 'BTC-USD'];
const POLLS = 200;

let yahoo: YahooStub;
let product: Product;
let sql: pg.Client;
let socket: Socket;
let browser: Browser;
/** Closes of 1m bars in the order in which they reached the socket, by ticker. */
const closes = new Map<string, number[]>(TICKERS.map((ticker) => [ticker, []]));
const statuses = new Map<string, Status>();

beforeAll(async () => {
  yahoo = await startYahoo();
  product = await startProduct({
    PRICE_SOURCE: 'yahoo',
    YAHOO_ORIGIN: yahoo.origin,
    TICKERS: TICKERS.join(','),
    POLL_SECONDS: '1',
  });
  sql = new pg.Client({ connectionString: await product.databaseUrl('tapecast') });
  await sql.connect();
  browser = await launchBrowser();
  socket = io(product.origin, { transports: ['websocket'], auth: { protocol: 1 } });
  socket.on('bars', (changes: BarsChange[]) => {
    for (const { ticker, bars } of changes) {
      for (const bar of bars) if (bar[4] !== null) closes.get(ticker)?.push(bar[4]);
    }
  });
  socket.on('status', (news: Status[]) => {
    for (const status of news) statuses.set(status.ticker, status);
  });
  const ack: SubscribeAck = await socket.emitWithAck('subscribe', {
    series: TICKERS.map((ticker) => ({ ticker, resolution: '1m' })),
  });
  expect(ack.ok && ack.series.every((series) => 'bars' in series)).toBe(true);
}, 120_000);
afterAll(async () => {
  socket?.close();
  await browser?.close();
  await sql?.end();
  await product?.stop();
  await yahoo?.close();
});

function isSubsequence(wanted: readonly number[], seen: readonly number[]): boolean {
  let next = 0;
  for (const value of seen) if (value === wanted[next]) next += 1;
  return next === wanted.length;
}

it(
  `a socket sees the closes of all ${POLLS} polls in order, and the page shows the last`,
  async () => {
    const page = await browser.newPage();
    await page.goto(`${product.origin}/?t=AAPL&r=1m`);
    const from = new Map(TICKERS.map((ticker) => [ticker, yahoo.served(ticker).length]));
    const servedSince = (ticker: string) =>
      yahoo.served(ticker).slice(from.get(ticker), (from.get(ticker) ?? 0) + POLLS);
    await vi.waitFor(() => expect(servedSince('AAPL').length).toBe(POLLS), { timeout: POLLS * 1_500, interval: 500 });
    yahoo.fault = 'frozen-time';
    for (const ticker of TICKERS) {
      const prices = servedSince(ticker).map(({ price }) => price);
      await vi.waitFor(() => expect(isSubsequence(prices, closes.get(ticker) ?? []), ticker).toBe(true), {
        timeout: 5_000,
      });
    }
    const last = yahoo.served('AAPL').at(-1)?.price.toFixed(2);
    await vi.waitFor(async () => expect(await page.getByTestId('last-price').first().innerText()).toContain(last), {
      timeout: 10_000,
    });
    const { rows } = await sql.query<{ close: number }>(
      `SELECT close FROM stock_prices_1m WHERE ticker = 'AAPL' ORDER BY time DESC LIMIT 1`,
    );
    expect(rows[0]?.close.toFixed(2)).toBe(last);
    await page.close();
  },
  POLLS * 2_000,
);

describe('a vendor that fails', () => {
  const faults: Fault[] = ['frozen-time', '429', '500', 'html', 'silence', 'null-closes', 'crumb-401', 'truncated'];

  it.each(faults)(
    '%s: says stale, invents no bar, lives, and is live again afterwards',
    async (fault) => {
      const ingestor = product.pid('ingestor');
      yahoo.fault = fault;
      if (fault === 'crumb-401') yahoo.endSessions();
      await vi.waitFor(() => expect(statuses.get('AAPL')?.state).toBe('stale'), { timeout: 60_000, interval: 250 });
      const newest = Math.floor((yahoo.served('AAPL').at(-1)?.time ?? 0) / 60) * 60;
      const { rows } = await sql.query<{ n: number }>(
        `SELECT count(*)::int AS n FROM stock_prices_1m WHERE ticker = 'AAPL' AND time > to_timestamp($1)`,
        [newest],
      );
      expect(rows[0]?.n).toBe(0);
      if (fault === 'null-closes') {
        const rejected = await sql.query(
          `SELECT reason FROM rejected_rows WHERE ticker = 'AAPL' AND resolution IS NULL`,
        );
        expect(rejected.rows.length).toBeGreaterThan(0);
      }
      yahoo.fault = null;
      await vi.waitFor(() => expect(statuses.get('AAPL')?.state).toBe('live'), { timeout: 60_000, interval: 250 });
      expect(product.pid('ingestor')).toBe(ingestor);
    },
    150_000,
  );

  it('leaves no gap: every minute since the first poll has its bar', async () => {
    const first = yahoo.served('AAPL')[0]?.time ?? 0;
    await vi.waitFor(
      async () => {
        const { rows } = await sql.query<{ missing: string }>(
          `SELECT minute::text AS missing FROM generate_series(date_trunc('minute', to_timestamp($1)), now() - interval '2 minutes', interval '1 minute') minute
           WHERE NOT EXISTS (SELECT FROM stock_prices_1m p WHERE p.ticker = 'AAPL' AND p.time = minute AND p.close IS NOT NULL)`,
          [first],
        );
        expect(rows).toEqual([]);
      },
      { timeout: 100_000, interval: 2_000 },
    );
  }, 120_000);
});
