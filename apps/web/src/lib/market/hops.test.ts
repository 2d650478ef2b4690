import { unixSeconds } from '@tapecast/contracts/units';
import { expect, it } from 'vitest';
import { HopTrail } from './hops.ts';
import { milliseconds } from './times.ts';

const T = 1_764_000_000;
const status = (asOf: number, polledAt: number | null) => ({ asOf: unixSeconds(asOf), polledAt });

it('tells each hop of the newest price, once its poll is told', () => {
  const trail = new HopTrail();
  trail.arrived({ committedAt: T * 1_000 - 900, pushedAt: T * 1_000 - 890 }, T * 1_000 - 880);
  trail.arrived({ committedAt: T * 1_000 + 108, pushedAt: T * 1_000 + 110 }, T * 1_000 + 115);
  trail.arrived({ committedAt: T * 1_000 + 1_108, pushedAt: T * 1_000 + 1_110 }, T * 1_000 + 1_115);
  expect(trail.hopsOf(status(T - 2, T * 1_000 + 100))).toEqual({ poll: 2_100, commit: 8, push: 2, screen: 5 });
  expect(trail.hopsOf(status(T - 2, T * 1_000 + 100))).toBeNull();
});

it('leaves out what is not known, and is never below zero where clocks differ', () => {
  const trail = new HopTrail();
  trail.arrived({ pushedAt: T * 1_000 + 50 }, T * 1_000 + 45);
  expect(trail.hopsOf(status(T, T * 1_000 + 10))).toEqual({ poll: 10, commit: null, push: null, screen: 0 });
});

it('says nothing of a poll whose change was not seen to arrive', () => {
  const trail = new HopTrail();
  expect(trail.hopsOf(status(T, T * 1_000))).toBeNull();
  trail.arrived({ committedAt: T * 1_000 + 31_000 }, T * 1_000 + 31_010);
  expect(trail.hopsOf(status(T, T * 1_000))).toBeNull();
  expect(trail.hopsOf(status(T, null))).toBeNull();
});

it('writes spans as short as they can be read', () => {
  expect([0.4, 12.3, 1_449, 8_200, 9_960, 61_000].map(milliseconds)).toEqual([
    '< 1 ms',
    '12 ms',
    '1.4 s',
    '8.2 s',
    '10 s',
    '1 min',
  ]);
});
