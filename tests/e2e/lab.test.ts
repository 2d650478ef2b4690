/** The lab in a browser, with a real forecaster behind it: from the form to a result that has a link and can be repeated. */
import { fileURLToPath } from 'node:url';
import { AxeBuilder } from '@axe-core/playwright';
import { LabSettings } from '@tapecast/contracts/lab';
import { unixSeconds } from '@tapecast/contracts/units';
import { openDatabase } from '@tapecast/db/database';
import { createLabRun } from '@tapecast/db/lab-runs';
import { ensureTickers } from '@tapecast/db/tickers';
import { writeBars } from '@tapecast/db/write-bars';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest';
import { workOnRun } from '../../apps/forecaster/src/lab/work-on-run.ts';
import { randomWalk } from '../../apps/forecaster/src/models/random-walk.fixture.ts';
import { launchBrowser } from '../support/browser.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

const program = (path: string) => fileURLToPath(new URL(`../../apps/${path}`, import.meta.url));
const DAY = 86_400;
const BARS = 700;
const END = Math.floor(Date.now() / 1_000 / DAY) * DAY - 3 * DAY;
const dayKey = (index: number) => unixSeconds(END - (BARS - 1 - index) * DAY);
/** A run waits for a thread to start and may share two cores with others. */
const SOON = { timeout: 90_000, interval: 100 };

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let database: TestDatabase;
let queue: TestDatabase;
let web: ServerProcess;
let forecaster: ServerProcess;
let origin: string;
/** A run that is done before the browser comes. */
let ready: number;
let browser: Browser;
let context: BrowserContext | null = null;

beforeAll(async () => {
  [database, queue] = await Promise.all([createDatabase(), createDatabase({ empty: true })]);
  const db = openDatabase({ url: database.url, applicationName: 'test' });
  await ensureTickers(db, ['WALK', 'SHORT']);
  const rows = randomWalk({ bars: BARS, seed: 5 }).map((close, i) => {
    const prices = { open: close, high: 1.01 * close, low: 0.99 * close, close, closeAdj: null };
    return { time: dayKey(i), ticker: 'WALK', ...prices, volume: 1_000, source: 'simulated' };
  });
  await writeBars(db, '1d', rows);
  const settings = LabSettings.parse({
    ...{ ticker: 'WALK', resolution: '1d', model: 'ridge', features: ['returns'], tuning: true, horizon: 5, folds: 3 },
    ...{ split: dayKey(500), strategy: 'long-short', costBps: 5, bars: BARS },
  });
  ready = (await createLabRun(db, { settings, seed: 1 })) ?? 0;
  await workOnRun(db, ready);
  await db.close();
  const env = { PATH: process.env['PATH'] ?? '', METRICS_PORT: '0' };
  const webEnv = { ...env, DATABASE_URL: database.asRole('tapecast_web'), PORT: '0' };
  web = await startServerProcess(process.execPath, [program('web/server/main.ts')], /"origin":"[^"]+"/, webEnv);
  origin = /"origin":"([^"]+)"/.exec(web.output())?.[1] ?? '';
  const forecasterEnv = {
    ...{ ...env, DATABASE_URL: database.asRole('tapecast_forecaster'), QUEUE_URL: queue.url },
    ...{ FORECAST_THREADS: '1', FORECAST_BACKTESTS: '0' },
  };
  forecaster = await startServerProcess(
    process.execPath,
    [program('forecaster/src/main.ts')],
    /"msg":"started"/,
    forecasterEnv,
  );
  browser = await launchBrowser();
});
afterEach(async () => {
  await context?.close();
  context = null;
});
afterAll(async () => {
  await browser?.close();
  await forecaster?.end();
  await web?.end();
  await database?.drop();
  await queue?.drop();
});

async function visit(path: string, look: { width?: number; colorScheme?: 'light' | 'dark' } = {}): Promise<Page> {
  const { width = 1_440, colorScheme = 'light' } = look;
  context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme, timezoneId: 'Europe/Berlin' });
  const page = await context.newPage();
  page.setDefaultTimeout(SOON.timeout);
  await page.goto(`${origin}${path}`);
  return page;
}

const drawn = (page: Page) => page.locator('[data-testid=lab-chart][data-drawn=true]').waitFor();
const chosenDate = new Date(dayKey(500) * 1_000).toISOString().slice(0, 10);

it('by keys alone: a run is begun, followed, read, and repeated to the digit', async () => {
  const page = await visit('/lab?t=WALK&r=1d');
  await vi.waitFor(async () => expect(await page.getByTestId('lab-split').inputValue()).not.toBe(''), SOON);
  expect(await page.getByTestId('lab-ticker').inputValue()).toBe('WALK');
  await vi.waitFor(
    async () => expect(await page.getByTestId('lab-parts').innerText()).toBe('490 bars before it, 210 from it on'),
    SOON,
  );
  await page.getByTestId('lab-split').fill(chosenDate);
  await page.getByTestId('lab-model').focus();
  await page.keyboard.press('b');
  expect(await page.getByTestId('lab-model').inputValue()).toBe('boosted');
  await page.getByTestId('lab-tuning').focus();
  await page.keyboard.press('Space');
  expect(await page.getByTestId('lab-refit').inputValue()).toBe('20');
  await page.getByTestId('lab-seed').fill('7');
  await page.keyboard.press('Enter');
  await page.waitForURL(/\/lab\/\d+$/);
  await drawn(page);

  expect(await page.getByTestId('lab-words').innerText()).toMatch(/buying and holding.*after costs/s);
  expect(await page.getByTestId('lab-words').innerText()).toMatch(/9 sets of parameters were tried/);
  expect(await page.getByTestId('lab-next').innerText()).toMatch(/It expects (a|no) rise over the next bar/);
  expect(await page.getByTestId('simulated-mark').isVisible()).toBe(true);
  expect(Number(await page.getByTestId('lab-chart').getAttribute('data-bars'))).toBe(BARS);
  expect(await page.getByTestId('accounts').innerText()).toContain('Deepest fall');
  const confusion = (await page.getByTestId('confusion').locator('tbody td').allInnerTexts()).map(Number);
  const counts = confusion.filter((count) => Number.isInteger(count));
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(199);
  expect(await page.getByTestId('hit-rate').getByRole('img').getAttribute('aria-label')).toContain('95 % interval');
  expect(await page.getByTestId('folds').getByRole('row').count()).toBe(1 + 5 + 9);

  expect(await page.getByTestId('lab-facts').textContent()).toContain('9 times, every 20 bars of the test part');

  const first = page.url();
  await page.getByTestId('lab-repeat').focus();
  await page.keyboard.press('Enter');
  await vi.waitFor(
    async () =>
      expect(await page.getByTestId('lab-repetition').innerText()).toMatch(/Identical to run \d+, digit for digit/),
    SOON,
  );
  expect(page.url()).not.toBe(first);
  const listed = page.getByTestId('lab-runs').getByRole('row');
  await vi.waitFor(async () => expect(await listed.count()).toBe(1 + 3), SOON);
});

it('a run that cannot be done says what would do', async () => {
  const page = await visit('/lab?t=WALK&r=1d');
  await vi.waitFor(async () => expect(await page.getByTestId('lab-parts').innerText()).toMatch(/bars before it/), SOON);
  await page.getByTestId('lab-split').fill(new Date(dayKey(20) * 1_000).toISOString().slice(0, 10));
  await page.getByTestId('lab-run').click();
  await vi.waitFor(
    async () => expect(await page.getByTestId('lab-failed').innerText()).toContain('Set the split later'),
    SOON,
  );
});

it('a page that others may open takes no runs, and says why', async () => {
  const page = await visit('/lab?t=WALK&r=1d');
  await vi.waitFor(async () => expect(await page.getByTestId('lab-parts').innerText()).toMatch(/bars before it/), SOON);
  await page.setExtraHTTPHeaders({ 'x-forwarded-for': '192.0.2.1' });
  await page.getByTestId('lab-run').click();
  await vi.waitFor(
    async () => expect(await page.getByTestId('lab-problem').innerText()).toContain('came through a proxy'),
    SOON,
  );
  expect(page.url()).toContain('/lab?t=WALK');
});

it('the link of a run that is not there says so; the list is below', async () => {
  const page = await visit('/lab/424242');
  await page.getByRole('heading', { name: 'There is no run 424242' }).waitFor();
});

const looks = [1_440, 390].flatMap((width) =>
  (['light', 'dark'] as const).map((colorScheme) => ({ width, colorScheme })),
);
it.each(looks)('is accessible at $width px, $colorScheme', async (look) => {
  for (const path of ['/lab', `/lab/${ready}`]) {
    const page = await visit(path, look);
    if (path === '/lab') await page.getByTestId('lab-runs').waitFor();
    else await drawn(page);
    const { violations } = await new AxeBuilder({ page }).analyze();
    const grave = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical');
    expect(grave.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(', ')}`)).toEqual([]);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth')).toBe(true);
    await context?.close();
  }
});
