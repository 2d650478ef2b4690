import { describe, expect, it } from 'vitest';
import { dieboldMariano, holm, studentTwoSided } from './scores-significance.ts';

/** Marsaglia's xorshift with Box–Muller: the same numbers in each run. */
function normals(seed: number): () => number {
  let state = seed >>> 0 || 1;
  const uniform = (): number => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return (state + 0.5) / 2 ** 32;
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** Moving sums, as overlapping forecasts have them. */
function overlapping(n: number, overlap: number, seed: number, mean = 0): number[] {
  const next = normals(seed);
  const noise = Array.from({ length: n + overlap }, next);
  return Array.from({ length: n }, (_, t) => mean + noise.slice(t, t + overlap).reduce((a, b) => a + b, 0));
}

describe('studentTwoSided', () => {
  it.each([
    [12.706, 1, 0.05],
    [2.228, 10, 0.05],
    [2.75, 30, 0.01],
    [1.96, 1e6, 0.05],
    [0, 5, 1],
  ])('t = %d with %d degrees of freedom', (t, freedom, p) => {
    expect(studentTwoSided(t, freedom)).toBeCloseTo(p, 3);
    expect(studentTwoSided(-t, freedom)).toBeCloseTo(p, 3);
  });
});

describe('dieboldMariano', () => {
  it.each([
    [60, 1],
    [120, 5],
    [300, 24],
  ])('claims a difference where there is none in about 5 of 100: %d forecasts, %d overlapping', (n, overlap) => {
    const runs = 1_000;
    const claims = Array.from({ length: runs }, (_, run) => dieboldMariano(overlapping(n, overlap, run + 1), overlap));
    expect(claims.filter((claim) => (claim?.p ?? 1) < 0.05).length / runs).toBeLessThan(0.075);
  });

  it('finds a difference that is there, and its direction', () => {
    const result = dieboldMariano(overlapping(300, 2, 7, 1), 2);
    expect(result?.p).toBeLessThan(0.01);
    expect(result?.mean).toBeGreaterThan(0);
  });

  it('says nothing of forecasts that are too few for their overlap, and of no difference that it is none', () => {
    expect(dieboldMariano(overlapping(30, 24, 3), 24)).toBeNull();
    expect(dieboldMariano([], 1)).toBeNull();
    expect(dieboldMariano(new Array<number>(50).fill(0), 1)).toEqual({ mean: 0, p: 1 });
  });
});

describe('holm', () => {
  it('asks more of the smallest p-value the more there are', () => {
    expect(holm([0.04], 0.05)).toEqual([true]);
    expect(holm([0.04, 0.5, null], 0.05)).toEqual([false, false, false]);
    expect(holm([0.03, null, 0.01], 0.05)).toEqual([true, false, true]);
  });
});
