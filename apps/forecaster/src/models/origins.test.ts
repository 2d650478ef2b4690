import { expect, test } from 'vitest';
import { randomWalk } from './random-walk.fixture.ts';
import { chooseOrigins, chooseSeparate, pathsFrom } from './origins.ts';

test('origins leave the horizon to be compared with and enough bars to learn from', () => {
  for (const length of [30, 53, 54, 60, 100, 1_500]) {
    const origins = chooseOrigins(length, 24);
    for (const origin of origins) {
      expect(origin).toBeGreaterThanOrEqual(29);
      expect(origin + 24).toBeLessThan(length);
    }
    expect(origins.length).toBe(Math.min(12, Math.max(0, length - 53)));
    expect(new Set(origins).size).toBe(origins.length);
  }
});

test('a long season is seen twice before the first origin, if that leaves enough of them', () => {
  const origins = chooseOrigins(700, 48, [24, 168]);
  expect(origins.length).toBeGreaterThanOrEqual(6);
  for (const origin of origins) expect(origin).toBeGreaterThanOrEqual(336);
  expect(chooseOrigins(400, 48, [24, 168])[0]).toBeLessThan(336);
  expect(chooseOrigins(1_000, 24, [7, 35])).toEqual(chooseOrigins(1_000, 24));
});

test('of origins closer than the horizon only those count whose outcomes no other shares; the newest does', () => {
  expect(chooseSeparate([10, 20, 30, 40], 10)).toEqual([true, true, true, true]);
  expect(chooseSeparate([10, 20, 30, 40], 11)).toEqual([false, true, false, true]);
  expect(chooseSeparate([35, 41, 47, 53], 100)).toEqual([false, false, false, true]);
  expect(chooseSeparate([], 5)).toEqual([]);
  // Long series lose none: what a worker reads, and M4's hours.
  for (const [bars, horizon, season] of [
    [1_000, 24, [7, 35]],
    [1_000, 20, [5]],
    [700, 48, [24, 168]],
    [960, 48, [24, 168]],
  ] as const) {
    expect(chooseSeparate(chooseOrigins(bars, horizon, season), horizon)).not.toContain(false);
  }
});

test('a model is shown nothing of what came after the origin', () => {
  const logs = Float64Array.from(randomWalk({ bars: 100, seed: 1 }), Math.log);
  const seen: number[] = [];
  const spy = {
    name: 'spy',
    path(known: Float64Array, _season: readonly number[], horizon: number) {
      seen.push(known.length);
      return new Float64Array(horizon);
    },
  };
  pathsFrom({ model: spy, logs, season: [], horizon: 5, origins: [40, 60, 94] });
  expect(seen).toEqual([41, 61, 95]);
});
