import { QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import fc from 'fast-check';
import { describe, expect, test, vi } from 'vitest';
import { boost } from './boosting.ts';
import { forecast, MODELS } from './forecast.ts';
import { INDICATOR_NAMES, indicatorRows } from './indicators.ts';
import { leastSquares } from './least-squares.ts';
import { isRefusal, type Model } from './model.ts';
import { randomFrom as uniform } from '../lab/random.ts';
import { randomWalk } from './random-walk.fixture.ts';
import { seasonalNaive } from './seasonal-naive.ts';

// Models are fitted thousands of times; two busy cores take their time.
vi.setConfig({ testTimeout: 120_000 });

/** Prices of any kind: walks, seasons, steps, long pauses and spikes, of any size. */
const prices = fc
  .record({
    bars: fc.integer({ min: 1, max: 180 }),
    seed: fc.integer({ min: 1, max: 1_000 }),
    step: fc.constantFrom(0, 1e-9, 0.01, 0.3),
    swing: fc.constantFrom(0, 0.05, 2),
    factor: fc.constantFrom(1e-9, 1, 1e9),
    split: fc.constantFrom(1, 2, 0.1),
    pause: fc.constantFrom(1, 3),
  })
  .map(({ bars, seed, step, swing, factor, split, pause }) => {
    const walk = randomWalk({ bars, seed, step });
    return walk.map((_, i) => {
      const moved = (walk[i - (i % pause)] ?? 1) * Math.exp(swing * Math.sin((2 * Math.PI * i) / 7));
      return factor * (i > bars / 2 ? moved / split : moved);
    });
  });

describe.each(MODELS)('$name', (model: Model) => {
  test('gives a path of numbers or a refusal with a reason, the same each time', () => {
    fc.assert(
      fc.property(prices, fc.subarray([5, 7, 24, 35]), fc.constantFrom(1, 20), (closes, season, horizon) => {
        const logs = Float64Array.from(closes, Math.log);
        const path = model.path(logs, season, horizon);
        if (isRefusal(path)) expect(path.message).not.toBe('');
        else {
          expect(path).toHaveLength(horizon);
          expect(path.every(Number.isFinite)).toBe(true);
        }
        expect(model.path(logs, season, horizon)).toEqual(path);
      }),
      { numRuns: 25 },
    );
  });

  test.each([1e-9, 1e9])('expects the same moves of prices around %d', (factor) => {
    const closes = randomWalk({ bars: 200, seed: 31 });
    const input = { season: [5], horizon: 10, levels: QUANTILE_LEVELS };
    const plain = forecast(model, { ...input, closes });
    const scaled = forecast(model, { ...input, closes: closes.map((close) => close * factor) });
    if (isRefusal(plain) || isRefusal(scaled)) throw new Error('refused');
    scaled.forEach((row, h) => expect((row[4] ?? 0) / factor / (plain[h]?.[4] ?? 1)).toBeCloseTo(1, 4));
  });
});

test('five bars are too few for every model together, and said to be', () => {
  for (const model of MODELS) {
    const outcome = forecast(model, { closes: [1, 2, 3, 2, 1], season: [5], horizon: 5, levels: QUANTILE_LEVELS });
    expect(outcome).toMatchObject({ refused: 'short' });
  }
});

test('the seasonal naive repeats the last cycle of the longest season seen twice', () => {
  const logs = Float64Array.from({ length: 20 }, (_, i) => i % 7);
  expect([...(seasonalNaive.path(logs, [3, 7, 15], 8) as Float64Array)]).toEqual([6, 0, 1, 2, 3, 4, 5, 6]);
});

test('least squares finds the coefficients, and its own error', () => {
  const random = uniform(5);
  const rows = leastSquares(3);
  for (let i = 0; i < 200; i++) {
    const row = Float64Array.from([1, random(), random()]);
    rows.add(row, 2 + 3 * (row[1] ?? 0) - 4 * (row[2] ?? 0));
  }
  const found = rows.solve(0);
  [2, 3, -4].forEach((value, i) => expect(found[i]).toBeCloseTo(value, 6));
  expect(rows.squaredError(found)).toBeCloseTo(0, 6);
  expect(rows.squaredError(Float64Array.from([3, 3, -4]))).toBeCloseTo(200, 6);
});

test('boosted trees learn a step and a product, and nothing from noise', () => {
  const random = uniform(9);
  const rows = Array.from({ length: 600 }, () => Float64Array.from([random(), random(), random()]));
  const options = { rounds: 150, rate: 0.2, depth: 2, fewestRows: 10 };
  const truth = (row: Float64Array): number => ((row[0] ?? 0) > 0.5 === (row[1] ?? 0) > 0.5 ? 1 : -1);
  const learned = boost(rows, Float64Array.from(rows, truth), options);
  const right = rows.filter((row) => Math.sign(learned(row)) === truth(row)).length;
  expect(right / rows.length).toBeGreaterThan(0.95);
  const constant = boost(rows, new Float64Array(600).fill(7), options);
  expect(constant(rows[0] ?? new Float64Array(3))).toBeCloseTo(7);
});

test('indicators are finite, named, and know high, low and volume', () => {
  const logs = Float64Array.from(randomWalk({ bars: 120, seed: 2 }), Math.log);
  const trading = { highs: logs.map((x) => x + 0.02), lows: logs.map((x) => x - 0.02), volumes: logs.map((_, i) => i) };
  const [plain, rich] = [indicatorRows(logs), indicatorRows(logs, trading)];
  expect(rich).toHaveLength(120);
  for (const row of [...plain, ...rich]) {
    expect(row).toHaveLength(INDICATOR_NAMES.length);
    expect(row.every(Number.isFinite)).toBe(true);
  }
  const atr = INDICATOR_NAMES.indexOf('atr-14');
  expect(rich[119]?.[atr]).toBeGreaterThan((plain[119]?.[atr] ?? 0) * 2);
  expect(rich[119]?.[INDICATOR_NAMES.indexOf('volume')]).toBeGreaterThan(0);
});
