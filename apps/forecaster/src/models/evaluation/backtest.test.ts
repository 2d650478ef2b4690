import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { expect, test, vi } from 'vitest';
import { forecastAll, type Forecasts } from '../forecast.ts';
import { lastPrice } from '../last-price.ts';
import { type ForecastInput, type Refusal } from '../model.ts';
import { randomWalk } from '../random-walk.fixture.ts';
import { seasonalNaive } from '../seasonal-naive.ts';
import { backtest, SHOWN } from './backtest.ts';

// Models are fitted thousands of times; two busy cores take their time.
vi.setConfig({ testTimeout: 120_000 });

const levels = QUANTILE_LEVELS;

function run(closes: readonly number[], forecaster: (input: ForecastInput) => Forecasts | Refusal, trials = 20) {
  const origins = Array.from({ length: trials }, (_, k) => closes.length - 11 - (trials - 1 - k) * 10);
  return backtest({ series: { closes, season: [12] }, horizon: 10, levels, origins, window: 200, forecaster });
}

/** Knows the outcome: it stands where a leak would. */
function oracle(closes: readonly number[]) {
  let asked = 0;
  return (input: ForecastInput): Forecasts => {
    const origin = closes.length - 11 - (19 - asked++) * 10;
    const rows = (at: (h: number) => number): number[][] =>
      Array.from({ length: 10 }, (_, h) => input.levels.map((level) => at(h) * (1 + (level - 0.5) / 1e6)));
    const walk = rows(() => input.closes[input.closes.length - 1] ?? 0);
    return {
      shown: 'oracle',
      models: [
        { model: 'last-price', outcome: walk },
        { model: 'oracle', outcome: rows((h) => closes[origin + 1 + h] ?? 0) },
      ],
    };
  };
}

test('no more than the window and nothing after the origin is handed over', () => {
  const closes = randomWalk({ bars: 400, seed: 3 });
  const seen: ForecastInput[] = [];
  const { refused, models } = run(closes, (input) => {
    seen.push(input);
    return { refused: 'short', message: 'for the test' };
  });
  expect([refused, models.length]).toEqual([20, 0]);
  seen.forEach((input, k) => {
    const origin = closes.length - 11 - (19 - k) * 10;
    expect(Array.from(input.closes)).toEqual(closes.slice(origin - 199, origin + 1));
    expect((input.closes as Float64Array).buffer.byteLength).toBe(200 * 8);
  });
});

test('one who knows the outcome has all the skill, and surely', () => {
  const closes = randomWalk({ bars: 400, seed: 4 });
  const { models, shown } = run(closes, oracle(closes));
  expect(shown).toEqual({ oracle: 20 });
  const report = models.find(({ model }) => model === SHOWN);
  expect(report).toMatchObject({ trials: 20, coverage: { '0.5': 1, '0.95': 1 } });
  expect(report?.skill).toBeGreaterThan(0.99);
  expect(report?.pValue).toBeLessThan(0.001);
  expect(models.find(({ model }) => model === 'last-price')).toMatchObject({ skill: 0, pValue: 1 });
});

test('of a random walk the bands hold their share; a season that is not there has no skill', () => {
  const closes = randomWalk({ bars: 1_200, seed: 5 });
  const { models } = run(closes, (input) => forecastAll(input, [lastPrice, seasonalNaive]), 90);
  const [walk, seasonal] = [lastPrice, seasonalNaive].map(({ name }) => models.find(({ model }) => model === name));
  expect(Math.abs((walk?.coverage['0.8'] ?? 0) - 0.8)).toBeLessThan(0.08);
  expect(seasonal?.pValue).toBeGreaterThan(0.05);
  expect(seasonal?.mase).toBeGreaterThan(walk?.mase ?? 0);
});
