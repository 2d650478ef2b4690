import { LabModel, LabResult, type LabSettings } from '@tapecast/contracts/lab';
import { expect, test, vi } from 'vitest';
import { barsOf, dayKey, quiet, settingsOf, walkBars } from './bars.fixture.ts';
import { randomFrom } from './random.ts';
import { LabRefusedError, runLab } from './run-lab.ts';
import { deflate, verdictOf, wilson } from './statistics.ts';

// Models are taught again and again; two busy cores take their time.
vi.setConfig({ testTimeout: 90_000 });

const run = (bars: ReturnType<typeof walkBars>, settings: LabSettings, seed = 7) =>
  runLab({ bars, simulated: true, settings, seed, report: quiet });

/** Rises after a rise and falls after a fall, three times of four: there is something to learn. */
function trending(count: number, seed: number) {
  const random = randomFrom(seed);
  let [price, up] = [100, true];
  return barsOf(
    Array.from({ length: count }, () => {
      up = random() < 0.75 ? up : !up;
      price *= 1 + (up ? 1 : -1) * (0.004 + 0.012 * random());
      return price;
    }),
  );
}

test.each(LabModel.options)(
  '%s: same bars, settings and seed give the same result; it has the described shape',
  async (model) => {
    const bars = walkBars(520, 5);
    const settings = settingsOf({ model, split: dayKey(420), tuning: model === 'network', folds: 2, horizon: 3 });
    const [a, b] = [await run(bars, settings), await run(bars, settings)];
    expect(JSON.stringify(a)).toBe(JSON.stringify(b));
    expect(LabResult.strict().parse(a)).toEqual(a);
    const { confusion, n } = a.test;
    expect(confusion.upUp + confusion.upDown + confusion.downUp + confusion.downDown).toBe(n);
    expect(a.series.times).toHaveLength(100);
    for (const values of Object.values(a.series)) expect(values).toHaveLength(100);
    expect(a.series.probability.every((p) => p > 0 && p < 1)).toBe(true);
  },
);

test.each(['forest', 'network'] as const)('%s: another seed is another draw', async (model) => {
  const bars = walkBars(520, 5);
  const settings = settingsOf({ model, split: dayKey(420), folds: 2 });
  const [a, b] = [await run(bars, settings, 1), await run(bars, settings, 2)];
  expect(a.series.probability).not.toEqual(b.series.probability);
});

test.each(LabModel.options)('%s finds what can be found, and says so', async (model) => {
  const settings = settingsOf({ model, split: dayKey(800), strategy: 'long-short', costBps: 1, features: ['returns'] });
  const result = await run(trending(1_600, 3), settings);
  expect(result.test.hitRate).toBeGreaterThan(0.65);
  expect(result.test.interval[0]).toBeGreaterThan(result.test.baseRate);
  expect(verdictOf(result, 1)).toBe('better');
});

test('costs can eat all of it', async () => {
  const settings = settingsOf({ split: dayKey(800), strategy: 'long-short', costBps: 200, features: ['returns'] });
  const result = await run(trending(1_600, 3), settings);
  expect(result.test.hitRate).toBeGreaterThan(0.65);
  expect(verdictOf(result, 1)).not.toBe('better');
});

test('of 60 random walks, few are claimed to be beaten: no more than luck allows', async () => {
  let claims = 0;
  for (let seed = 1; seed <= 60; seed++) {
    const settings = settingsOf({ split: dayKey(300), strategy: 'long-short', costBps: 0 });
    const result = await run(walkBars(600, 1_000 + seed), settings);
    if (verdictOf(result, 1) === 'better') claims += 1;
  }
  // A two-sided test at 5 % is right by luck on the good side in 2.5 %: 1.5 of 60; more than 6 would be one in a thousand.
  expect(claims).toBeLessThanOrEqual(6);
});

test('every try counts', async () => {
  const settings = settingsOf({ split: dayKey(800), strategy: 'long-short', costBps: 1, features: ['returns'] });
  const found = await run(trending(1_600, 3), settings);
  const lucky = { ...found, test: { ...found.test, difference: { mean: 0.001, pValue: 0.02 } } };
  expect(verdictOf(lucky, 1)).toBe('better');
  expect(verdictOf(lucky, 5)).toBe('same');
  const tuned = {
    ...lucky,
    training: { ...lucky.training, tried: Array.from({ length: 5 }, () => lucky.training.chosen) },
  };
  expect(verdictOf(tuned, 1)).toBe('same');
  expect(verdictOf({ ...lucky, test: { ...lucky.test, independent: 10 } }, 1)).toBe('too-few');
  expect(verdictOf({ ...lucky, test: { ...lucky.test, difference: { mean: -0.001, pValue: 0.02 } } }, 50)).toBe(
    'worse',
  );
});

test('one that is always long is buy-and-hold, and no better', async () => {
  const rising = barsOf(Array.from({ length: 600 }, (_, i) => 100 * 1.002 ** i));
  const result = await run(rising, settingsOf({ split: dayKey(400) }));
  expect(result.series.equity).toEqual(result.series.hold);
  expect(result.test.difference).toEqual({ mean: 0, pValue: 1 });
  expect(verdictOf(result, 1)).toBe('same');
});

test.each([
  ['too little before the split', { split: dayKey(100) }, /Set the split later/],
  ['too little after it', { split: dayKey(590) }, /Set the split earlier/],
  ['a split behind the end', { split: dayKey(900) }, /Set the split/],
] as const)('%s is refused in words', async (_what, more, words) => {
  const refusal = run(walkBars(600, 1), settingsOf(more));
  await expect(refusal).rejects.toThrow(LabRefusedError);
  await expect(refusal).rejects.toThrow(words);
});

test('tells how far it is, rising, and ends when the report says so', async () => {
  const told: number[] = [];
  const settings = settingsOf({ tuning: true });
  const input = { bars: walkBars(600, 1), simulated: true, settings, seed: 1 };
  await runLab({ ...input, report: async (progress) => void told.push(progress) });
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  expect(told.length).toBeGreaterThan(10);
  const report = vi.fn(async (progress: number) => {
    if (progress > 0.4) throw new Error('enough');
  });
  await expect(runLab({ ...input, report })).rejects.toThrow('enough');
});

test('Wilson’s interval, as in Newcombe 1998', () => {
  const [low, high] = wilson(81 / 263, 263);
  expect([low.toFixed(4), high.toFixed(4)]).toEqual(['0.2553', '0.3662']);
  expect(wilson(0.5, 0)).toEqual([0, 1]);
  const [wide, narrow] = [wilson(0.55, 100), wilson(0.55, 1_000)];
  expect(wide[1] - wide[0]).toBeGreaterThan(narrow[1] - narrow[0]);
});

test('the best of many tries is deflated', () => {
  expect(deflate(0.05, 1)).toBeCloseTo(0.05, 12);
  expect(deflate(0.05, 20)).toBeCloseTo(1 - 0.95 ** 20, 12);
  expect(deflate(1e-9, 10)).toBeCloseTo(1e-8, 12);
});

test.each([1e-9, 1e9])('prices of %d are no trouble', async (unit) => {
  const bars = walkBars(600, 2);
  const scaled = barsOf(Array.from(bars.closes, (close) => close * unit));
  const settings = settingsOf({ features: ['returns', 'stochastic', 'bollinger', 'cci', 'macd', 'volatility'] });
  const [a, b] = [await run(bars, settings), await run(scaled, settings)];
  expect(b.test.confusion).toEqual(a.test.confusion);
});
