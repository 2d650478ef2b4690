/**
 * The dashboard in a real browser, served by the real web service from a real database. Prices, forecasts and feed
 * states are written as the ingestor and the forecaster write them; the page must show them, and never more.
 */
import { join } from 'node:path';
import { AxeBuilder } from '@axe-core/playwright';
import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { unixSeconds } from '@tapecast/contracts/units';
import { recordActions } from '@tapecast/db/corporate-actions';
import { openDatabase, type Database } from '@tapecast/db/database';
import { recordPoll } from '@tapecast/db/feed';
import { saveForecasts } from '@tapecast/db/forecasts';
import { describeTicker, ensureTickers } from '@tapecast/db/tickers';
import { writeBars, type PriceRow } from '@tapecast/db/write-bars';
import { mergeQuotes } from '@tapecast/db/write-quotes';
import { scanSeries } from '@tapecast/ingest/bar-repair/scan';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

const HOUR = 3_600;
const DAY = 86_400;
const HOURS = 1_500;
const WEB = join(import.meta.dirname, '../../apps/web/server/main.ts');
const DESKTOP = { width: 1_440, height: 900 };
const PHONE = { width: 390, height: 844 };

const now = Math.floor(Date.now() / 1_000);
const thisHour = Math.floor(now / HOUR) * HOUR;
const today = Math.floor(now / DAY) * DAY;

let database: TestDatabase;
let ingestor: Database;
let forecaster: Database;
let web: ServerProcess;
let origin: string;
let browser: Browser;
let context: BrowserContext | null = null;
/** Errors that nothing in the page caught: no test leaves any. */
const faults: string[] = [];
/** Later than every quote before it: a quote must be news. */
let quoteTime = now;

function rows(ticker: string, step: number, count: number, end: number, base: number): PriceRow[] {
  return Array.from({ length: count }, (_, index) => {
    const close = base + Math.sin((count - index) / 9);
    const prices = { open: close - 0.25, high: close + 0.5, low: close - 0.75, close, closeAdj: close, volume: 1_000 };
    return { time: unixSeconds(end - (count - 1 - index) * step), ticker, ...prices, source: 'yahoo' };
  });
}

async function quote(ticker: string, price: number, facts: { marketState?: string; source?: string } = {}) {
  quoteTime += 1;
  const bars = {
    '1m': unixSeconds(Math.floor(now / 60) * 60),
    '1h': unixSeconds(thisHour),
    '1d': unixSeconds(today),
  };
  const day = { previousClose: 400, dayOpen: price, dayHigh: price, dayLow: price, dayVolume: 5_000 };
  const { accepted } = await mergeQuotes(ingestor, [
    {
      ticker,
      price,
      quoteTime: unixSeconds(quoteTime),
      receivedAt: quoteTime * 1_000,
      ...day,
      marketState: facts.marketState ?? 'REGULAR',
      delaySeconds: 0,
      source: facts.source ?? 'yahoo',
      bars,
      volumeIsRolling: false,
    },
  ]);
  expect(accepted).toEqual([ticker]);
}

function heard(at?: Date) {
  return recordPoll(ingestor, { source: 'yahoo', pollSeconds: HOUR, ok: true, ...(at === undefined ? {} : { at }) });
}

async function startWeb(port = 0) {
  const env = {
    PATH: process.env['PATH'] ?? '',
    DATABASE_URL: database.asRole('tapecast_web'),
    PORT: String(port),
    METRICS_PORT: '0',
  };
  web = await startServerProcess(process.execPath, [WEB], /"origin":"[^"]+"/, env);
  origin = /"origin":"([^"]+)"/.exec(web.output())?.[1] ?? '';
}

beforeAll(async () => {
  database = await createDatabase();
  ingestor = openDatabase({ url: database.asRole('tapecast_ingestor'), applicationName: 'test ingestor' });
  forecaster = openDatabase({ url: database.asRole('tapecast_forecaster'), applicationName: 'test forecaster' });
  await ensureTickers(ingestor, ['MSFT', 'TSLA']);
  await describeTicker(ingestor, 'MSFT', {
    name: 'Microsoft Corporation',
    currency: 'USD',
    exchange: 'NasdaqGS',
    timezone: 'America/New_York',
    priceDecimals: 2,
    sessionOpen: 9 * 60 + 30,
    sessionClose: 16 * 60,
  });
  await writeBars(ingestor, '1h', rows('MSFT', HOUR, HOURS, thisHour - HOUR, 410));
  await writeBars(ingestor, '1d', rows('MSFT', DAY, 300, today - DAY, 410));
  await writeBars(ingestor, '1d', rows('TSLA', DAY, 30, today - DAY, 250));
  await saveForecasts(forecaster, {
    ticker: 'MSFT',
    resolution: '1h',
    madeAt: unixSeconds(thisHour),
    source: 'yahoo',
    levels: QUANTILE_LEVELS,
    models: [
      {
        model: 'drift',
        shown: true,
        points: Array.from({ length: 24 }, (_, hour) => ({
          targetTime: unixSeconds(thisHour + hour * HOUR),
          values: QUANTILE_LEVELS.map((level) => 410 + (level - 0.5) * (10 + hour)),
        })),
      },
    ],
  });
  await heard();
  await quote('MSFT', 411.11);
  await startWeb();
  browser = await launchBrowser();
});

afterEach(async () => {
  await context?.close();
  context = null;
  expect(faults.splice(0)).toEqual([]);
});

afterAll(async () => {
  await browser?.close();
  await web?.end();
  await Promise.all([ingestor?.close(), forecaster?.close()]);
  await database?.drop();
});

interface Visit {
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
}

async function visit(query: string, { viewport = DESKTOP, colorScheme = 'light' }: Visit = {}): Promise<Page> {
  await context?.close();
  context = await browser.newContext({ viewport, colorScheme, timezoneId: 'Europe/Berlin' });
  const page = await context.newPage();
  page.on('pageerror', (error) => faults.push(String(error)));
  await page.goto(`${origin}/${query}`);
  return page;
}

/** What the chart says that it draws. */
const drawn = (page: Page) =>
  page
    .getByTestId('chart')
    .evaluate((chart) => ({ ...(chart as unknown as { dataset: Record<string, string> }).dataset }));
const state = (page: Page) => page.getByTestId('connection').getAttribute('data-state');
const soon = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 10_000, interval: 100 });

async function showing(query: string, options?: Visit): Promise<Page> {
  const page = await visit(query, options);
  await soon(async () => expect(Number((await drawn(page))['bars'])).toBeGreaterThan(0));
  return page;
}

describe('the chart', () => {
  it('shows the bars, the last price, its change and the fan', async () => {
    const page = await showing('?t=MSFT&r=1h');
    await soon(async () =>
      expect(await drawn(page)).toMatchObject({
        bars: '1000',
        lastTime: String(thisHour),
        lastClose: '411.11',
        forecastPoints: '24',
      }),
    );
    expect(await page.getByTestId('last-price').innerText()).toBe('411.11');
    expect(await page.getByTestId('legend-close').innerText()).toBe('411.11');
    await soon(async () => expect(await state(page)).toBe('live'));
    expect(await page.getByTestId('forecast-words').innerText()).toMatch(
      /^MSFT will likely \(9 in 10\) be between 405\.50 and 414\.50 at .+\.$/,
    );
  });

  it('moves the last bar in place when a price arrives, in the watchlist too', async () => {
    const page = await showing('?t=MSFT&r=1h');
    const before = await drawn(page);
    await quote('MSFT', 412.34);
    await soon(async () => expect(await page.getByTestId('last-price').innerText()).toBe('412.34'));
    expect(await drawn(page)).toMatchObject({
      bars: before['bars'],
      lastTime: before['lastTime'],
      lastClose: '412.34',
    });
    await soon(async () =>
      expect(await page.getByTestId('watch-MSFT').getByTestId('watch-price').innerText()).toContain('412.34'),
    );
  });

  it('loads older bars as one scrolls back', async () => {
    const page = await showing('?t=MSFT&r=1h');
    const box = await page.getByTestId('chart').boundingBox();
    await page.mouse.move((box?.x ?? 0) + 300, (box?.y ?? 0) + 400);
    await soon(async () => {
      await page.mouse.wheel(-2_000, 0);
      expect((await drawn(page))['bars']).toBe(String(HOURS + 1));
    });
    expect((await drawn(page))['lastTime']).toBe(String(thisHour));
  });

  it('takes bars that come before the newest one, as on a first start', async () => {
    const minute = Math.floor(now / 60) * 60;
    const write = (count: number, end: number) => writeBars(ingestor, '1m', rows('TSLA', 60, count, end, 250));
    await write(1, minute - 60);
    const page = await showing('?t=TSLA&r=1m');
    const shows = (count: string, last: number) =>
      soon(async () => expect(await drawn(page)).toMatchObject({ bars: count, lastTime: String(last) }));
    await shows('1', minute - 60);
    await write(50, minute - 180);
    await shows('51', minute - 60);
    await write(1, minute - 120);
    await shows('52', minute - 60);
    await write(1, minute);
    await shows('53', minute);
    expect(await page.getByTestId('chart-failed').count()).toBe(0);
  });

  it('that fails leaves prices and forecast alone, and can be drawn anew', async () => {
    const page = await showing('?t=MSFT&r=1h');
    const told: string[] = [];
    page.on('console', (message) => told.push(message.text()));
    await page.getByTestId('chart').evaluate((place) => {
      Object.defineProperty(place, 'dataset', {
        get: () => {
          throw new Error('broken on purpose');
        },
      });
    });
    await quote('MSFT', 409.09);
    await soon(async () => expect(await page.getByTestId('chart-failed').count()).toBe(1));
    expect(told.join('\n')).toContain('broken on purpose');
    await quote('MSFT', 408.08);
    await soon(async () =>
      expect(await page.getByTestId('watch-MSFT').getByTestId('watch-price').innerText()).toContain('408.08'),
    );
    expect(await page.getByTestId('forecast-words').innerText()).toContain('MSFT will likely');
    await page.getByRole('button', { name: 'Draw it anew' }).click();
    await soon(async () => expect((await drawn(page))['lastClose']).toBe('408.08'));
  });

  it('says what is wrong with an unknown symbol, and what to do', async () => {
    const page = await visit('?t=NOPE&r=1h');
    await soon(async () => expect(await page.getByTestId('chart-error').innerText()).toContain('Choose a symbol'));
    expect(await state(page)).not.toBe('live');
  });

  it('says that a resolution has no bars yet', async () => {
    const page = await visit('?t=TSLA&r=1h');
    await soon(async () =>
      expect(await page.getByTestId('chart-empty').innerText()).toContain('No 1h bars of TSLA yet'),
    );
  });
});

describe('the keyboard', () => {
  it('chooses resolutions, moves through the watchlist, searches and turns the theme', async () => {
    const page = await showing('?t=MSFT&r=1h');
    await page.keyboard.press('5');
    await soon(async () => expect(await drawn(page)).toMatchObject({ series: 'MSFT 1d', bars: '301' }));
    await page.keyboard.press('ArrowDown');
    await soon(async () => expect(await drawn(page)).toMatchObject({ series: 'TSLA 1d', bars: '30' }));
    await page.keyboard.press('/');
    await page.keyboard.type('micro');
    await page.keyboard.press('Enter');
    await soon(async () => expect(new URL(page.url()).searchParams.get('t')).toBe('MSFT'));
    await page.keyboard.press('t');
    await page.reload();
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
  });
});

describe('states that never lie', () => {
  it('says since when there is no news, and takes the price its colour', async () => {
    const page = await showing('?t=MSFT&r=1h');
    await heard(new Date(Date.now() - 10 * HOUR * 1_000));
    await soon(async () => expect(await page.getByTestId('connection').innerText()).toMatch(/^no news since \d\d:/));
    expect(await page.getByTestId('last-price').getAttribute('data-stale')).toBe('true');
    await heard();
    await soon(async () => expect(await state(page)).toBe('live'));
  });

  it('says when the market opens', async () => {
    const page = await showing('?t=MSFT&r=1h');
    await quote('MSFT', 412.5, { marketState: 'CLOSED' });
    await soon(async () =>
      expect(await page.getByTestId('connection').innerText()).toMatch(/^closed, opens \w{3} 1[4-6]:30 \(your time\)$/),
    );
    await quote('MSFT', 412.6);
    await soon(async () => expect(await state(page)).toBe('live'));
  });

  it('keeps the chart when the server dies, says how old it is, and catches up', async () => {
    const page = await showing('?t=MSFT&r=1h');
    await soon(async () => expect(await state(page)).toBe('live'));
    const before = await drawn(page);
    await web.end('SIGKILL');
    await soon(async () =>
      expect(await page.getByTestId('connection').innerText()).toMatch(/^reconnecting, data as of \d\d:\d\d:\d\d$/),
    );
    expect((await drawn(page))['bars']).toBe(before['bars']);
    await quote('MSFT', 413.77);
    await startWeb(Number(new URL(origin).port));
    await vi.waitFor(async () => expect(await state(page)).toBe('live'), { timeout: 20_000, interval: 200 });
    await soon(async () => expect(await page.getByTestId('last-price').innerText()).toBe('413.77'));
  });

  it('marks simulated prices on the chart', async () => {
    const page = await showing('?t=MSFT&r=1h');
    await quote('MSFT', 412.7, { source: 'simulated' });
    await soon(async () => expect(await state(page)).toBe('simulated'));
    expect(await page.getByTestId('simulated-badge').isVisible()).toBe(true);
    await quote('MSFT', 412.8);
  });
});

describe('marks', () => {
  it('stand at splits, dividends, repaired and doubtful bars', async () => {
    const ticker = 'ACME';
    const day = (index: number) => unixSeconds(today - (60 - index) * DAY);
    await ensureTickers(ingestor, [ticker]);
    const bars = rows(ticker, DAY, 60, day(59), 100);
    const odd = (index: number, factor: number) => {
      const bar = bars[index];
      if (bar === undefined) throw new Error(`There is no bar ${index}.`);
      for (const price of ['open', 'high', 'low', 'close'] as const) bar[price] *= factor;
    };
    odd(30, 100); // pence for pounds: repaired
    const spike = bars[40];
    if (spike !== undefined) spike.high *= 2; // a print that never was, perhaps: marked
    await recordActions(
      ingestor,
      ticker,
      [
        { kind: 'split', exDate: day(10), numerator: 2, denominator: 1 },
        { kind: 'dividend', exDate: day(20), amount: 0.5 },
      ],
      'yahoo',
    );
    await writeBars(ingestor, '1d', bars);
    await scanSeries(ingestor, { ticker, resolution: '1d', signal: new AbortController().signal });
    const page = await showing(`?t=${ticker}&r=1d`);
    await soon(async () => expect(await drawn(page)).toMatchObject({ bars: '60', marks: 'SDR?' }));
  });
});

describe('the page', () => {
  it('that is not there says so, and leads back', async () => {
    const page = await visit('nothing-here');
    await soon(async () =>
      expect(await page.getByRole('heading').innerText()).toBe('There is no page at this address'),
    );
    await page.getByRole('link', { name: 'Back to the charts' }).click();
    await soon(async () => expect(await page.getByTestId('chart').count()).toBe(1));
  });

  it('does not jump while it loads', async () => {
    const page = await visit('');
    await page.addInitScript(`
      globalThis.shift = 0;
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) globalThis.shift += entry.value;
      }).observe({ type: 'layout-shift', buffered: true });
    `);
    await page.goto(`${origin}/?t=MSFT&r=1h`);
    await soon(async () => expect(await page.getByTestId('forecast-words').isVisible()).toBe(true));
    expect(await page.evaluate('globalThis.shift')).toBeLessThan(0.02);
  });

  const looks = [DESKTOP, PHONE].flatMap((viewport) =>
    (['light', 'dark'] as const).map((colorScheme) => ({ viewport, colorScheme })),
  );
  it.each(looks)('is accessible at $viewport.width px, $colorScheme', async (look) => {
    const page = await showing('?t=MSFT&r=1h', look);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(', ')}`)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
  });

  it('has all behind tabs on a phone, with targets of 44 px', async () => {
    const page = await showing('?t=MSFT&r=1h', { viewport: PHONE });
    expect(await page.getByTestId('forecast-words').isVisible()).toBe(false);
    await page.getByRole('tab', { name: 'Forecast' }).click();
    await soon(async () => expect(await page.getByTestId('forecast-words').isVisible()).toBe(true));
    await page.getByRole('tab', { name: 'Info' }).click();
    expect(await page.getByTestId('figures').isVisible()).toBe(true);
    const targets = page.locator('header a, header button, header input, [role=tab], [data-testid^=watch-MSFT]');
    for (const target of await targets.all()) {
      if (await target.isVisible()) expect((await target.boundingBox())?.height).toBeGreaterThanOrEqual(44);
    }
  });
});
