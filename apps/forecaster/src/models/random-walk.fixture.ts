/** Random walks for tests, the same for the same seed. */
export function randomWalk(options: { bars: number; seed: number; step?: number }): number[] {
  const random = uniform(options.seed);
  let log = Math.log(100);
  return Array.from({ length: options.bars }, () => {
    const gaussian = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    log += (options.step ?? 0.01) * gaussian;
    return Math.exp(log);
  });
}

/** Mulberry32. */
export function uniform(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
