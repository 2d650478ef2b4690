import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { forecast, forecastAll, MODELS, type Forecasts } from './forecast.ts';
import { drift } from './drift.ts';
import { lastPrice } from './last-price.ts';
import { isRefusal, type ForecastInput, type Refusal } from './model.ts';
import { randomWalk } from './random-walk.fixture.ts';

// Models are fitted thousands of times; two busy cores take their time.
vi.setConfig({ testTimeout: 120_000 });

const levels = QUANTILE_LEVELS;

function of(closes: ArrayLike<number>, more: Partial<ForecastInput> = {}): ForecastInput {
  return { closes, season: [5], horizon: 20, levels, ...more };
}

function expectSound(outcome: Forecasts | Refusal, horizon: number): void {
  if (isRefusal(outcome)) {
    expect(outcome.message).not.toBe('');
    return;
  }
  expect(outcome.models.find(({ model }) => model === outcome.shown)?.outcome).toBeInstanceOf(Array);
  for (const { outcome: quantiles } of outcome.models) {
    if (isRefusal(quantiles)) continue;
    expect(quantiles).toHaveLength(horizon);
    for (const row of quantiles) {
      expect(row).toHaveLength(levels.length);
      row.forEach((price, l) => {
        expect(Number.isFinite(price) && price > 0).toBe(true);
        if (l > 0) expect(price).toBeGreaterThanOrEqual(row[l - 1] ?? Number.NaN);
      });
    }
  }
}

test('any series gets rising positive prices from each model, or a refusal with a reason', () => {
  const price = fc.oneof(
    { weight: 20, arbitrary: fc.double({ min: 1, max: 1.2, noNaN: true }) },
    { weight: 1, arbitrary: fc.constantFrom(Number.NaN, 1e-9, 1e9, 0.1, 1, Number.POSITIVE_INFINITY) },
  );
  fc.assert(
    fc.property(
      fc.array(price, { maxLength: 90 }),
      fc.subarray([2, 5, 7, 24]),
      fc.constantFrom(1, 7, 24),
      (closes, season, horizon) => expectSound(forecastAll(of(closes, { season, horizon })), horizon),
    ),
    { numRuns: 60 },
  );
});

test.each([1e-9, 1e9])('prices around %d scale the quantiles and change nothing else', (factor) => {
  const closes = randomWalk({ bars: 120, seed: 3 });
  const [plain, scaled] = [closes, closes.map((close) => close * factor)].map((each) => forecast(lastPrice, of(each)));
  if (plain === undefined || scaled === undefined || isRefusal(plain) || isRefusal(scaled)) throw new Error('refused');
  scaled.forEach((row, h) =>
    row.forEach((price, l) => expect(price / factor / (plain[h]?.[l] ?? 0)).toBeCloseTo(1, 6)),
  );
});

describe('refuses by name', () => {
  const walk = randomWalk({ bars: 100, seed: 1 });
  test.each<[Refusal['refused'], number[]]>([
    ['short', walk.slice(0, 5)],
    ['short', []],
    ['constant', Array.from({ length: 100 }, () => 42)],
    ['not-positive', [...walk, 0]],
    ['not-positive', [...walk, -1]],
    ['gappy', walk.map((close, i) => (i % 3 === 0 ? Number.NaN : close))],
  ])('%s', (reason, closes) => {
    expect(forecastAll(of(closes))).toMatchObject({ refused: reason });
  });
});

test('a few gaps, a split and long pauses are no reason to refuse', () => {
  const walk = randomWalk({ bars: 300, seed: 5 });
  const gappy = walk.map((close, i) => (i % 17 === 0 ? Number.NaN : close));
  const split = walk.map((close, i) => (i > 200 ? close / 4 : close));
  const paused = walk.map((close, i) => walk[i - (i % 4)] ?? close);
  for (const closes of [gappy, split, paused]) {
    const outcome = forecastAll(of(closes));
    expect(isRefusal(outcome)).toBe(false);
    expectSound(outcome, 20);
  }
});

test('the same series gives the same forecast, whatever was forecast in between', () => {
  const closes = randomWalk({ bars: 200, seed: 9 });
  const first = forecastAll(of(closes));
  forecastAll(of(randomWalk({ bars: 150, seed: 10 })));
  expect(forecastAll(of(closes))).toEqual(first);
});

test('the last price has its median at the last price and bands that widen', () => {
  const closes = randomWalk({ bars: 500, seed: 2 });
  const quantiles = forecast(lastPrice, of(closes));
  if (isRefusal(quantiles)) throw new Error(quantiles.message);
  const last = closes.at(-1) ?? 0;
  for (const row of quantiles) expect(row[4]).toBeCloseTo(last, 9);
  const width = (row: number[] | undefined): number => (row?.at(-1) ?? 0) - (row?.[0] ?? 0);
  expect(width(quantiles[19])).toBeGreaterThan(2 * width(quantiles[0]));
});

test('bands hold about as many outcomes of a random walk as they say', () => {
  const closes = randomWalk({ bars: 3_000, seed: 11 });
  const inside = { half: 0, most: 0 };
  let outcomes = 0;
  for (let origin = 700; origin + 10 < closes.length; origin += 10) {
    const quantiles = forecast(lastPrice, of(closes.slice(origin - 400, origin + 1), { horizon: 10, season: [] }));
    if (isRefusal(quantiles)) throw new Error(quantiles.message);
    quantiles.forEach((row, h) => {
      const actual = closes[origin + 1 + h] ?? Number.NaN;
      outcomes += 1;
      if (actual >= (row[3] ?? 0) && actual <= (row[5] ?? 0)) inside.half += 1;
      if (actual >= (row[1] ?? 0) && actual <= (row[7] ?? 0)) inside.most += 1;
    });
  }
  expect(Math.abs(inside.half / outcomes - 0.5)).toBeLessThan(0.05);
  expect(Math.abs(inside.most / outcomes - 0.9)).toBeLessThan(0.03);
});

function driftPath(logs: Float64Array): Float64Array {
  const path = drift.path(logs, [], 10);
  if (isRefusal(path)) throw new Error(path.message);
  return path;
}

test('drift believes a trend that stands out of the noise and hardly one that does not', () => {
  const trend = Array.from({ length: 200 }, (_, i) => Math.exp(0.01 * i + (i % 2) * 0.001));
  const ahead = driftPath(Float64Array.from(trend, Math.log));
  expect((ahead[9] ?? 0) - Math.log(trend.at(-1) ?? 1)).toBeCloseTo(0.1, 2);
  const noise = Float64Array.from(randomWalk({ bars: 200, seed: 4 }), Math.log);
  const naive = (10 * ((noise.at(-1) ?? 0) - (noise[0] ?? 0))) / 199;
  const shrunk = (driftPath(noise)[9] ?? 0) - (noise.at(-1) ?? 0);
  expect(Math.abs(shrunk)).toBeLessThan(Math.abs(naive));
});

test('a model refuses alone: without seasons seasonal ones do, and the others go on', () => {
  const outcome = forecastAll(of(randomWalk({ bars: 130, seed: 6 }), { season: [] }));
  if (isRefusal(outcome)) throw new Error(outcome.message);
  expect(
    Object.fromEntries(
      outcome.models.map(({ model, outcome: each }) => [model, isRefusal(each) ? each.refused : 'ok']),
    ),
  ).toEqual({
    'last-price': 'ok',
    drift: 'ok',
    theta: 'ok',
    'auto-ets': 'ok',
    'auto-arima': 'ok',
    'lag-regression': 'ok',
    'boosted-indicators': 'ok',
    ensemble: 'ok',
    'seasonal-naive': 'no-season',
    mstl: 'no-season',
    'seasonal-smoothing': 'no-season',
    'direct-regression': 'no-season',
  });
  expect(MODELS).toHaveLength(11);
});

test('random walks are shown as such; a strong season is found', () => {
  for (let seed = 1; seed <= 5; seed++) {
    const outcome = forecastAll(of(randomWalk({ bars: 500, seed }), { season: [24], horizon: 24 }));
    expect(outcome).toMatchObject({ shown: 'last-price' });
  }
  const seasonal = randomWalk({ bars: 624, seed: 8, step: 0.001 }).map(
    (close, i) => close * Math.exp(0.03 * Math.sin((2 * Math.PI * i) / 24)),
  );
  const outcome = forecastAll(of(seasonal.slice(0, 600), { season: [24], horizon: 24 }));
  if (isRefusal(outcome)) throw new Error(outcome.message);
  expect(outcome.shown).not.toBe('last-price');
  const offBy = (name: string): number => {
    const quantiles = outcome.models.find(({ model }) => model === name)?.outcome ?? [];
    if (isRefusal(quantiles)) throw new Error(quantiles.message);
    return seasonal.slice(600).reduce((sum, actual, h) => sum + Math.abs(actual - (quantiles[h]?.[4] ?? 0)), 0);
  };
  expect(offBy(outcome.shown)).toBeLessThan(offBy('last-price') / 4);
});
