import fc from 'fast-check';
import { expect, test } from 'vitest';
import { drawdownOf, positionOf, summarise, walkAccount, type Position } from './account.ts';
import { barsOf, walkBars } from './bars.fixture.ts';

const closesOf = fc.array(fc.double({ min: 1, max: 1_000, noNaN: true }), { minLength: 5, maxLength: 40 });
const positions = fc.array(fc.constantFrom<Position>(1, 0, -1), { minLength: 40, maxLength: 40 });
const costs = fc.double({ min: 0, max: 0.02, noNaN: true });

test('holding is worth the last close over the first open after the divider, less two trades', () => {
  fc.assert(
    fc.property(closesOf, costs, (closes, cost) => {
      const bars = barsOf(closes);
      const { equity, trades } = walkAccount(bars, { first: 1, every: 1, cost, decide: () => 1 });
      const expected = ((closes.at(-1) ?? 0) / (bars.opens[2] ?? 0)) * (1 - cost) ** 2;
      expect(equity.at(-1)).toBeCloseTo(expected, 9);
      expect(trades.map(({ side }) => side)).toEqual(['buy', 'sell']);
    }),
  );
});

test('equity is the product of all returns, and 1 at the divider', () => {
  fc.assert(
    fc.property(closesOf, positions, costs, (closes, wanted, cost) => {
      const walk = walkAccount(barsOf(closes), { first: 0, every: 1, cost, decide: (t) => wanted[t] ?? 0 });
      expect(walk.equity[0]).toBe(1);
      expect(walk.equity).toHaveLength(closes.length);
      const product = Math.exp(walk.logReturns.reduce((sum, each) => sum + each, 0));
      expect(product / (walk.equity.at(-1) ?? 0)).toBeCloseTo(1, 9);
    }),
  );
});

test('costs only ever cost', () => {
  fc.assert(
    fc.property(closesOf, positions, costs, (closes, wanted, cost) => {
      const run = (each: number) =>
        walkAccount(barsOf(closes), { first: 0, every: 1, cost: each, decide: (t) => wanted[t] ?? 0 });
      const [free, paid] = [run(0), run(cost)];
      expect(paid.equity.at(-1) ?? 0).toBeLessThanOrEqual((free.equity.at(-1) ?? 0) * (1 + 1e-12));
      expect(paid.costs).toBeCloseTo(
        cost *
          paid.trades.reduce(
            (sum, { position }, i) => sum + Math.abs(position - (paid.trades[i - 1]?.position ?? 0)),
            0,
          ),
        9,
      );
      expect(free.costs).toBe(0);
    }),
  );
});

test('a decision is carried out at the next open and kept for its horizon', () => {
  const bars = barsOf([10, 10, 11, 12, 13, 14, 15, 16]);
  const asked: number[] = [];
  const { trades } = walkAccount(bars, {
    ...{ first: 1, every: 3, cost: 0 },
    decide: (t) => {
      asked.push(t);
      return t === 1 ? 1 : -1;
    },
  });
  expect(asked).toEqual([1, 4]);
  expect(trades.map(({ time, side, position }) => [bars.times.indexOf(time), side, position])).toEqual([
    [2, 'buy', 1],
    [5, 'sell', -1],
    [7, 'buy', 0],
  ]);
});

test('turning from long to short trades twice', () => {
  const { costs: paid } = walkAccount(barsOf([10, 10, 10, 10]), {
    ...{ first: 0, every: 1, cost: 0.01 },
    decide: (t) => (t === 0 ? 1 : -1),
  });
  expect(paid).toBeCloseTo(0.01 + 0.02 + 0.01, 12);
});

test('a short gains what the price falls; an account that lost all stays lost', () => {
  const fallen = walkAccount(barsOf([100, 100, 90]), { first: 0, every: 1, cost: 0, decide: () => -1 });
  expect(fallen.equity.at(-1)).toBeCloseTo(1.1, 12);
  const ruined = walkAccount(barsOf([100, 100, 300, 10]), { first: 0, every: 1, cost: 0, decide: () => -1 });
  expect(ruined.equity.at(-1)).toBeLessThan(1e-6);
  expect(ruined.logReturns.every(Number.isFinite)).toBe(true);
});

test('summary figures', () => {
  const bars = walkBars(300, 3);
  const walk = walkAccount(bars, { first: 0, every: 1, cost: 0.001, decide: (t) => (t % 2 === 0 ? 1 : 0) });
  const told = summarise(walk, 365.25);
  expect(told.exposure).toBeCloseTo(0.5, 1);
  expect(told.totalReturn).toBeCloseTo((walk.equity.at(-1) ?? 0) - 1, 12);
  expect(told.maxDrawdown).toBe(Math.min(...drawdownOf(walk.equity)));
  expect(summarise(walkAccount(bars, { first: 0, every: 1, cost: 0, decide: () => 0 }), 365)).toMatchObject({
    totalReturn: 0,
    sharpe: null,
    trades: 0,
  });
});

test('drawdown', () => {
  expect(drawdownOf([1, 2, 1, 4, 3])).toEqual([0, 0, -0.5, 0, -0.25]);
});

test.each([
  [0.6, 'long-only', 1],
  [0.4, 'long-only', 0],
  [0.4, 'long-short', -1],
  [0.5, 'long-short', 0],
] as const)('%d in %s is %d', (probability, strategy, position) => {
  expect(positionOf(probability, strategy)).toBe(position);
});
