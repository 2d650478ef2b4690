/** Random walks for tests, the same for the same seed. */
import { randomFrom } from '../lab/random.ts';

export function randomWalk(options: { bars: number; seed: number; step?: number }): number[] {
  const random = randomFrom(options.seed);
  let log = Math.log(100);
  return Array.from({ length: options.bars }, () => {
    const gaussian = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    log += (options.step ?? 0.01) * gaussian;
    return Math.exp(log);
  });
}
