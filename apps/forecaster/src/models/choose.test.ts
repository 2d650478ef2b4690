import { expect, test } from 'vitest';
import { chooseShown } from './choose.ts';

const walk = { name: 'last-price', losses: Array.from({ length: 12 }, (_, k) => 1 + (k % 3) * 0.1) };
const scaled = (factor: (k: number) => number) => walk.losses.map((loss, k) => loss * factor(k));

test('a model that is better each time by more than the margin is shown', () => {
  const better = { name: 'better', losses: scaled((k) => 0.85 + (k % 2) * 0.02) };
  const best = { name: 'best', losses: scaled((k) => 0.75 + (k % 2) * 0.02) };
  expect(chooseShown(walk, [better, best])).toBe('best');
});

test('within the margin, by luck, or in too few trials it is not', () => {
  const hardly = { name: 'hardly', losses: scaled((k) => 0.99 + (k % 2) * 0.001) };
  const lucky = { name: 'lucky', losses: scaled((k) => (k === 0 ? 0.01 : 1)) };
  const seldom = { name: 'seldom', losses: scaled(() => 0.5).map((loss, k) => (k < 3 ? loss : null)) };
  const worse = { name: 'worse', losses: scaled(() => 1.5) };
  expect(chooseShown(walk, [hardly, lucky, seldom, worse])).toBe('last-price');
});

test('a model in front is shown rather than one that may be better by luck', () => {
  const ensemble = { name: 'ensemble', losses: scaled((k) => 0.7 + (k % 2) * 0.02) };
  const luckier = { name: 'luckier', losses: scaled((k) => (k % 3 === 0 ? 0.62 : 0.73)) };
  const clearly = { name: 'clearly', losses: scaled((k) => 0.6 + (k % 2) * 0.02) };
  expect(chooseShown(walk, [ensemble, luckier])).toBe('ensemble');
  expect(chooseShown(walk, [ensemble, luckier, clearly])).toBe('clearly');
});
