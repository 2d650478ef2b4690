/** The dashboard's page: its keyboard, its states, what it is on a phone. It must show what was written, and never more. */
import { AxeBuilder } from '@axe-core/playwright';
import { describe, expect, it, vi } from 'vitest';
import { DESKTOP, drawn, HOUR, openDashboard, PHONE, soon, state } from './dashboard.ts';

const dashboard = openDashboard();
const { heard, quote, showing, visit } = dashboard;

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
    await dashboard.kill();
    await soon(async () =>
      expect(await page.getByTestId('connection').innerText()).toMatch(/^reconnecting, data as of \d\d:\d\d:\d\d$/),
    );
    expect((await drawn(page))['bars']).toBe(before['bars']);
    await quote('MSFT', 413.77);
    await dashboard.restart();
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
    await page.goto(`${dashboard.origin}/?t=MSFT&r=1h`);
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
