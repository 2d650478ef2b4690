import { expect, test } from 'vitest';
import { coverage, mase, msis, pinballLoss, skill, smape } from './measures.ts';

test('MASE is in units of the naive error within the known values', () => {
  expect(mase([1, 3, 5, 7], [9, 11], [8, 8])).toBeCloseTo((1 + 3) / 2 / 2);
  expect(mase([1, 5, 2, 6], [3], [4], 2)).toBeCloseTo(1);
});

test('sMAPE', () => {
  expect(smape([100, 50], [50, 50])).toBeCloseTo((200 * 50) / 150 / 2);
});

test('pinball loss charges misses by their level', () => {
  expect(pinballLoss([[0, 10]], [0.1, 0.9], [5])).toBeCloseTo((0.1 * 5 + 0.1 * 5) / 2);
  expect(pinballLoss([[0]], [0.9], [10])).toBeCloseTo(9);
  expect(pinballLoss([[0]], [0.9], [-10])).toBeCloseTo(1);
});

test('intervals are scored by width and by misses', () => {
  expect(coverage([1, 2, 3, 4], [0, 2, 4, 0], [1, 3, 5, 3])).toBe(0.5);
  expect(msis({ known: [0, 1, 2], actual: [5, 0], lower: [4, 1], upper: [6, 2], share: 0.95 })).toBeCloseTo(
    (2 + 1 + 40) / 2,
  );
});

test('skill', () => {
  expect([skill(0, 2), skill(2, 2), skill(3, 2), skill(0, 0)]).toEqual([1, 0, -0.5, 0]);
});
