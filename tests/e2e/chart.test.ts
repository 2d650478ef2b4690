/** The dashboard's chart. Prices, forecasts and happenings are written as the services write them; it must show them, and never more. */
import { unixSeconds } from '@tapecast/contracts/units';
import { recordActions } from '@tapecast/db/corporate-actions';
import { ensureTickers } from '@tapecast/db/tickers';
import { writeBars } from '@tapecast/db/write-bars';
import { scanSeries } from '@tapecast/ingest/bar-repair/scan';
import { describe, expect, it } from 'vitest';
import { DAY, drawn, HOURS, now, openDashboard, rows, soon, state, thisHour, today } from './dashboard.ts';

const dashboard = openDashboard();
const { quote, showing, visit } = dashboard;

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
    const write = (count: number, end: number) =>
      writeBars(dashboard.ingestor, '1m', rows('TSLA', 60, count, end, 250));
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

describe('marks', () => {
  it('stand at splits, dividends, repaired and doubtful bars', async () => {
    const ticker = 'ACME';
    const day = (index: number) => unixSeconds(today - (60 - index) * DAY);
    await ensureTickers(dashboard.ingestor, [ticker]);
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
      dashboard.ingestor,
      ticker,
      [
        { kind: 'split', exDate: day(10), numerator: 2, denominator: 1 },
        { kind: 'dividend', exDate: day(20), amount: 0.5 },
      ],
      'yahoo',
    );
    await writeBars(dashboard.ingestor, '1d', bars);
    await scanSeries(dashboard.ingestor, { ticker, resolution: '1d', signal: new AbortController().signal });
    const page = await showing(`?t=${ticker}&r=1d`);
    await soon(async () => expect(await drawn(page)).toMatchObject({ bars: '60', marks: 'SDR?' }));
  });
});
