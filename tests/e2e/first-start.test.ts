/** What a new user sees: one command, nothing set, an empty DATA_DIR. */
import pg from 'pg';
import type { Browser } from 'playwright-core';
import { QUANTILE_LEVELS, Forecast } from '@tapecast/contracts/forecast';
import { TickersAnswer } from '@tapecast/contracts/rest';
import { FORECAST_HORIZONS } from '@tapecast/contracts/resolution';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { type Product, startProduct } from '../support/product.ts';

let product: Product;
let browser: Browser;

beforeAll(async () => {
  [product, browser] = await Promise.all([startProduct({ PRICE_SOURCE: 'simulated' }), launchBrowser()]);
}, 120_000);
afterAll(async () => {
  await browser?.close();
  await product?.stop();
});

async function get(path: string): Promise<unknown> {
  const response = await fetch(product.origin + path);
  return response.ok ? response.json() : null;
}

it('charts move', async () => {
  const page = await browser.newPage();
  await page.goto(product.origin);
  const chart = page.getByTestId('chart');
  const moves = async (withinMs: number) => {
    await vi.waitFor(async () => expect(Number(await chart.getAttribute('data-bars'))).toBeGreaterThan(100), 10_000);
    const first = await chart.getAttribute('data-last-close');
    await vi.waitFor(async () => expect(await chart.getAttribute('data-last-close')).not.toBe(first), withinMs);
  };
  // The first one's price, in whole cents, may rest for some seconds; TSLA's, which varies most, does not.
  await moves(60_000);
  expect(await page.getByTestId('simulated-badge').first().isVisible()).toBe(true);
  await page.goto(`${product.origin}/?t=TSLA`);
  await moves(10_000);
  await page.close();
}, 120_000);

it('every ticker has a forecast of hours and of days within a minute, served and drawn', async () => {
  const tickers = TickersAnswer.parse(await get('/api/v1/tickers'));
  expect(tickers.map(({ ticker }) => ticker)).toEqual(['CVX', 'MSFT', 'TSLA', 'XOM']);
  for (const { ticker } of tickers) {
    for (const resolution of ['1h', '1d'] as const) {
      const forecast = await vi.waitFor(
        async () => Forecast.parse(await get(`/api/v1/forecasts/${ticker}?resolution=${resolution}`)),
        { timeout: 60_000, interval: 500 },
      );
      expect(forecast).toMatchObject({ ticker, resolution, source: 'simulated', quantiles: [...QUANTILE_LEVELS] });
      expect(forecast.points).toHaveLength(FORECAST_HORIZONS[resolution]);
      for (const [, ...values] of forecast.points) expect(values).toEqual(values.toSorted((a, b) => a - b));
    }
  }
  const page = await browser.newPage();
  await page.goto(`${product.origin}/?t=TSLA&r=1d`);
  const drawn = page.getByTestId('chart');
  await vi.waitFor(async () => expect(await drawn.getAttribute('data-forecast-points')).toBe('20'), 10_000);
  await page.close();
}, 90_000);

it('simulated prices have a database of their own', async () => {
  const sql = new pg.Client({ connectionString: await product.databaseUrl('tapecast_simulated') });
  await sql.connect();
  const { rows } = await sql.query<{ datname: string }>(`SELECT datname FROM pg_database`);
  await sql.end();
  const names = rows.map(({ datname }) => datname);
  expect(names).toContain('tapecast_simulated');
  expect(names).not.toContain('tapecast');
});
