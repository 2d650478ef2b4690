/** The scorecard in a browser: its words, its marks, and past forecasts over what then happened. */
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { unixSeconds } from '@tapecast/contracts/units';
import { openDatabase } from '@tapecast/db/database';
import { saveBacktest, saveForecasts } from '@tapecast/db/forecasts';
import { scoreForecasts } from '@tapecast/db/scores-write';
import { ensureTickers } from '@tapecast/db/tickers';
import { writeBars } from '@tapecast/db/write-bars';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

const WEB = fileURLToPath(new URL('../../apps/web/server/main.ts', import.meta.url));
const HOUR = 3_600;
const BARS = 200;
const END = Math.floor(Date.now() / 1_000 / HOUR) * HOUR;
const hour = (index: number) => unixSeconds(END - (BARS - index) * HOUR);

let database: TestDatabase;
let web: ServerProcess;
let origin: string;
let browser: Browser;
let context: BrowserContext | null = null;

function forecasts(ticker: string, at: number, source: string) {
  const points = Array.from({ length: 24 }, (_, step) => ({
    targetTime: hour(at + step),
    values: QUANTILE_LEVELS.map((level) => 100 + (level - 0.5) * 20),
  }));
  const models = [
    { model: 'last-price', shown: true, points },
    { model: 'drift', shown: false, points },
  ];
  return { ticker, resolution: '1h' as const, madeAt: hour(at), source, levels: QUANTILE_LEVELS, models };
}

beforeAll(async () => {
  database = await createDatabase();
  const db = openDatabase({ url: database.url, applicationName: 'test' });
  for (const ticker of ['LIVE', 'FRESH', 'NEW']) {
    await ensureTickers(db, [ticker]);
    const rows = Array.from({ length: BARS }, (_, i) => {
      const close = 100 + 3 * Math.sin(i / 5);
      const prices = { open: close, high: close + 1, low: close - 1, close, closeAdj: close, volume: 10 };
      return { time: hour(i), ticker, ...prices, source: 'simulated' };
    });
    await writeBars(db, '1h', rows);
  }
  for (let at = 100; at < 140; at++) await saveForecasts(db, forecasts('LIVE', at, 'simulated'));
  for (let at = 100; at < 140; at += 5) await saveBacktest(db, forecasts('FRESH', at, 'yahoo'));
  const closed = ['LIVE', 'FRESH', 'NEW'].map((ticker) => ({
    ticker,
    resolution: '1h' as const,
    closedUntil: hour(BARS - 2),
  }));
  await scoreForecasts(db, closed);
  await db.close();
  const env = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: database.asRole('tapecast_web'),
    PORT: '0',
    METRICS_PORT: '0',
  };
  web = await startServerProcess(process.execPath, [WEB], /"origin":"[^"]+"/, env);
  origin = /"origin":"([^"]+)"/.exec(web.output())?.[1] ?? '';
  browser = await launchBrowser();
});
afterEach(async () => {
  await context?.close();
  context = null;
});
afterAll(async () => {
  await browser?.close();
  await web?.end();
  await database?.drop();
});

const soon = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 40_000, interval: 100 });

async function visit(path: string, look: { width?: number; colorScheme?: 'light' | 'dark' } = {}): Promise<Page> {
  const { width = 1_440, colorScheme = 'light' } = look;
  context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, timezoneId: 'Europe/Berlin' });
  const page = await context.newPage();
  await page.goto(`${origin}${path}`);
  return page;
}

it('tells the live score, marked as simulated, beside the chart and in full', async () => {
  const page = await visit('/?t=LIVE&r=1h');
  await soon(async () => expect(await page.getByTestId('scorecard').innerText()).toContain('Over 40 such forecasts'));
  expect(await page.getByTestId('scorecard').innerText()).toContain('The middle was the last price itself.');
  expect(await page.getByTestId('scorecard-mark').innerText()).toBe('simulated prices');
  await page.getByTestId('scores-link').click();
  await soon(async () =>
    expect(await page.getByTestId('scores-words').innerText()).toMatch(
      /Over 40 such forecasts the 90.% band held 100\.0.%/,
    ),
  );
  expect(await page.getByTestId('simulated-mark').isVisible()).toBe(true);
  expect(await page.getByTestId('model-table').getByRole('row').count()).toBe(4);
});

it('shows a forecast as it was known, and what then happened', async () => {
  const page = await visit('/scores?t=LIVE&r=1h');
  const slider = page.getByTestId('as-known-at');
  await soon(async () => expect(await page.getByTestId('past-words').innerText()).toMatch(/All 2\d closes lay within/));
  const before = await page.getByTestId('past-words').innerText();
  await slider.focus();
  await page.keyboard.press('Home');
  await soon(async () => expect(await page.getByTestId('past-words').innerText()).toContain('it said 91.00 to 109.00'));
  expect(await page.getByTestId('past-words').innerText()).not.toBe(before);
  expect(Number(await page.getByTestId('past-fans').getAttribute('data-points'))).toBe(25);
});

it('a backtest stands in for live scores, by its name', async () => {
  const page = await visit('/scores?t=FRESH&r=1h');
  await soon(async () =>
    expect(await page.getByTestId('backtest-mark').innerText()).toBe('backtest on stored history'),
  );
  expect(await page.getByTestId('scores-words').innerText()).toContain('Live scores so far: 0 forecasts.');
  await page.getByRole('link', { name: 'Live', exact: true }).click();
  await soon(async () => expect(await page.getByTestId('scores-words').innerText()).toContain('No scores yet.'));
  expect(await page.getByRole('heading', { name: 'Calibration' }).count()).toBe(0);
});

const looks = [1_440, 390].flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
);
it.each(looks)('is accessible at $width px, $colorScheme', async (look) => {
  const page = await visit('/scores?t=LIVE&r=1h', look);
  await soon(async () => expect(await page.getByTestId('past-words').innerText()).toContain('closes lay within'));
  const { violations } = await new AxeBuilder({ page }).analyze();
  const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
  expect(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(', ')}`)).toEqual([]);
  expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
});
