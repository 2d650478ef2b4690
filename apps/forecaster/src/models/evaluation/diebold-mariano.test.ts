import { expect, test } from 'vitest';
import { randomFrom as uniform } from '../../lab/random.ts';
import { dieboldMariano } from './diebold-mariano.ts';
import { studentTail } from './student.ts';

test.each([
  [0, 5, 0.5],
  [2.571, 5, 0.025],
  [-2.571, 5, 0.975],
  [2.718, 11, 0.01],
  [1.96, 100_000, 0.025],
  [6.314, 1, 0.05],
  [63.657, 1, 0.005],
])('t above %d with %d degrees of freedom has probability %d', (t, freedom, probability) => {
  expect(studentTail(t, freedom)).toBeCloseTo(probability, 4);
});

test('steady gains are sure, gains by luck and losses are not', () => {
  const steady = Array.from({ length: 12 }, (_, k) => 0.1 + (k % 3) * 0.01);
  expect(dieboldMariano(steady).pValue).toBeLessThan(1e-6);
  expect(dieboldMariano(steady.map((gain) => -gain)).pValue).toBeGreaterThan(0.999);
  expect(dieboldMariano([10, ...steady.map(() => -0.01)]).pValue).toBeGreaterThan(0.05);
});

test('too few trials, and trials without any difference, prove nothing', () => {
  expect(dieboldMariano([])).toEqual({ mean: 0, statistic: 0, pValue: 1 });
  expect(dieboldMariano([5]).pValue).toBe(1);
  expect(dieboldMariano([0, 0, 0]).pValue).toBe(1);
});

test('of forecasts that are equally good about one in twenty is found better at 5 %, overlapping trials or not', () => {
  const random = uniform(7);
  const shock = (): number => random() + random() + random() - 1.5;
  for (const overlap of [0, 3]) {
    let found = 0;
    for (let run = 0; run < 1_000; run++) {
      const shocks = Array.from({ length: 60 + overlap }, shock);
      const differences = Array.from({ length: 60 }, (_, k) =>
        shocks.slice(k, k + overlap + 1).reduce((a, b) => a + b, 0),
      );
      if (dieboldMariano(differences, overlap).pValue < 0.05) found += 1;
    }
    expect(found).toBeGreaterThan(20);
    expect(found).toBeLessThan(overlap === 0 ? 80 : 110);
  }
});
