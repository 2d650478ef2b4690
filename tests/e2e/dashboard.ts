/** The dashboard in a real browser, served by the real web service from a database of its own, with MSFT, its forecast, and TSLA. */
import { join } from 'node:path';
import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { unixSeconds } from '@tapecast/contracts/units';
import { openDatabase, type Database } from '@tapecast/db/database';
import { recordPoll } from '@tapecast/db/feed';
import { saveForecasts } from '@tapecast/db/forecasts';
import { describeTicker, ensureTickers } from '@tapecast/db/tickers';
import { writeBars, type PriceRow } from '@tapecast/db/write-bars';
import { mergeQuotes } from '@tapecast/db/write-quotes';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

export const HOUR = 3_600;
export const DAY = 86_400;
/** Closed 1h bars of MSFT. */
export const HOURS = 1_500;
export const DESKTOP = { width: 1_440, height: 900 };
export const PHONE = { width: 390, height: 844 };
const WEB = join(import.meta.dirname, '../../apps/web/server/main.ts');

export const now = Math.floor(Date.now() / 1_000);
export const thisHour = Math.floor(now / HOUR) * HOUR;
export const today = Math.floor(now / DAY) * DAY;

export function rows(ticker: string, step: number, count: number, end: number, base: number): PriceRow[] {
  return Array.from({ length: count }, (_, index) => {
    const close = base + Math.sin((count - index) / 9);
    const prices = { open: close - 0.25, high: close + 0.5, low: close - 0.75, close, closeAdj: close, volume: 1_000 };
    return { time: unixSeconds(end - (count - 1 - index) * step), ticker, ...prices, source: 'yahoo' };
  });
}

export interface Visit {
  viewport?: { width: number; height: number };
  colorScheme?: 'light' | 'dark';
}

/** What the chart says that it draws. */
export const drawn = (page: Page) =>
  page
    .getByTestId('chart')
    .evaluate((chart) => ({ ...(chart as unknown as { dataset: Record<string, string> }).dataset }));
export const state = (page: Page) => page.getByTestId('connection').getAttribute('data-state');
export const soon = (check: () => Promise<void>) => vi.waitFor(check, { timeout: 10_000, interval: 100 });

export interface Dashboard {
  /** As the ingestor writes. */
  readonly ingestor: Database;
  readonly origin: string;
  /** A price that is news, of the running bars. */
  quote(ticker: string, price: number, facts?: { marketState?: string; source?: string }): Promise<void>;
  /** That the feed was heard, now or then. */
  heard(at?: Date): Promise<void>;
  /** Kills the web service. */
  kill(): Promise<void>;
  /** Starts it again, where it was. */
  restart(): Promise<void>;
  /** A new page with that query. */
  visit(query: string, options?: Visit): Promise<Page>;
  /** The same, once its chart has bars. */
  showing(query: string, options?: Visit): Promise<Page>;
}

/** For the tests of the file that calls it: made before the first, gone after the last. No test leaves an error that its page did not catch. */
export function openDashboard(): Dashboard {
  let database: TestDatabase;
  let ingestor: Database;
  let forecaster: Database;
  let web: ServerProcess;
  let origin: string;
  let browser: Browser;
  let context: BrowserContext | null = null;
  const faults: string[] = [];
  /** Later than every quote before it: a quote must be news. */
  let quoteTime = now;

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

  async function heard(at?: Date) {
    await recordPoll(ingestor, { source: 'yahoo', pollSeconds: HOUR, ok: true, ...(at === undefined ? {} : { at }) });
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

  async function visit(query: string, { viewport = DESKTOP, colorScheme = 'light' }: Visit = {}): Promise<Page> {
    await context?.close();
    context = await browser.newContext({ viewport, colorScheme, timezoneId: 'Europe/Berlin' });
    const page = await context.newPage();
    page.on('pageerror', (error) => faults.push(String(error)));
    await page.goto(`${origin}/${query}`);
    return page;
  }

  async function showing(query: string, options?: Visit): Promise<Page> {
    const page = await visit(query, options);
    await soon(async () => expect(Number((await drawn(page))['bars'])).toBeGreaterThan(0));
    return page;
  }

  return {
    get ingestor() {
      return ingestor;
    },
    get origin() {
      return origin;
    },
    quote,
    heard,
    kill: async () => {
      await web.end('SIGKILL');
    },
    restart: () => startWeb(Number(new URL(origin).port)),
    visit,
    showing,
  };
}
