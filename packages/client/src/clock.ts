/** Time as an argument, so that tests need not wait. */
export interface Clock {
  /** Unix milliseconds. */
  now(): number;
  /** Runs `task` once after `delayMs`; the returned function cancels it. */
  after(delayMs: number, task: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, delayMs);
    return () => clearTimeout(timer);
  },
};

/** Exponential pause with full jitter over its upper half, so that many clients do not return at once. */
export function backoffMs(failures: number, random: () => number, firstMs = 300, mostMs = 10_000): number {
  const ceiling = Math.min(mostMs, firstMs * 2 ** Math.max(0, failures - 1));
  return ceiling / 2 + (ceiling / 2) * random();
}
