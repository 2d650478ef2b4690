/** What the forecaster claims, tried on simulated markets and on a recorded one. It needs no server. */
import { join } from 'node:path';
import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { expect, test } from 'vitest';
import { readChart } from '../../bench/forecast/chart.ts';
import { backtest, SHOWN } from '../../apps/forecaster/src/models/evaluation/backtest.ts';
import { forecastAll } from '../../apps/forecaster/src/models/forecast.ts';
import { isRefusal } from '../../apps/forecaster/src/models/model.ts';
import { randomWalk } from '../../apps/forecaster/src/models/random-walk.fixture.ts';

const levels = QUANTILE_LEVELS;
const DATA_DIR = process.env['TEST_DATA_DIR'];
/** Seconds on a machine of its own, far longer on a busy one. */
const LONG = 300_000;

test('of 200 random walks at most one in twenty is said to be predictable', { timeout: LONG }, () => {
  let claims = 0;
  for (let seed = 1; seed <= 200; seed++) {
    const closes = randomWalk({ bars: 130, seed: seed * 7_919 });
    const outcome = forecastAll({ closes, season: [5], horizon: 5, levels });
    if (isRefusal(outcome)) throw new Error(outcome.message);
    if (outcome.shown !== 'last-price') claims += 1;
  }
  expect(claims).toBeLessThanOrEqual(10);
});

test('of a strongly seasonal market skill is said, and rightly so', { timeout: LONG }, () => {
  const closes = randomWalk({ bars: 700, seed: 12, step: 0.002 }).map(
    (close, i) => close * Math.exp(0.02 * Math.sin((2 * Math.PI * i) / 7)),
  );
  const origins = Array.from({ length: 8 }, (_, k) => closes.length - 1 - 10 - (7 - k) * 11);
  const { shown, models } = backtest({
    series: { closes, season: [7, 35] },
    horizon: 10,
    levels,
    origins,
    window: 400,
    forecaster: forecastAll,
  });
  expect(shown['last-price'] ?? 0).toBe(0);
  const report = models.find(({ model }) => model === SHOWN);
  expect(report?.skill).toBeGreaterThan(0.5);
  expect(report?.pValue).toBeLessThan(0.01);
});

test.runIf(DATA_DIR !== undefined)(
  'over the last 1,500 recorded days of TSLA the bands hold what they say, at no loss against the last price',
  { timeout: LONG },
  () => {
    const bars = readChart(join(DATA_DIR ?? '', 'yahoo', 'chart-TSLA-1d.json'));
    const series = { ...bars, season: [5] };
    const newest = bars.closes.length - 1 - 20;
    const origins = Array.from({ length: 74 }, (_, k) => newest - (73 - k) * 20);
    expect(origins[0]).toBeGreaterThanOrEqual(bars.closes.length - 1_500 - 1);
    const { models, refused } = backtest({
      series,
      horizon: 20,
      levels,
      origins,
      window: 1_000,
      forecaster: forecastAll,
    });
    expect(refused).toBe(0);
    const report = models.find(({ model }) => model === SHOWN);
    const walk = models.find(({ model }) => model === 'last-price');
    for (const share of [0.5, 0.8, 0.95]) {
      expect(Math.abs((report?.coverage[String(share)] ?? 0) - share), `${share}`).toBeLessThanOrEqual(0.02);
    }
    expect(report?.pinball).toBeLessThanOrEqual((walk?.pinball ?? 0) * 1.000001);
  },
);
