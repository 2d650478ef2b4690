/** How good forecasts were. Everything is in the unit of the values unless it says otherwise. */

/** Mean absolute scaled error: 1 is as far off as the (seasonal) naive forecast is, one step ahead, within `known`. */
export function mase(
  known: ArrayLike<number>,
  actual: ArrayLike<number>,
  forecast: ArrayLike<number>,
  period = 1,
): number {
  return mean(actual.length, (h) => Math.abs(at(actual, h) - at(forecast, h))) / naiveScale(known, period);
}

/** Symmetric mean absolute percentage error, 0…200. Values are above zero. */
export function smape(actual: ArrayLike<number>, forecast: ArrayLike<number>): number {
  return mean(actual.length, (h) => {
    const [a, f] = [at(actual, h), at(forecast, h)];
    return (200 * Math.abs(a - f)) / (Math.abs(a) + Math.abs(f));
  });
}

/**
 * Pinball loss: what quantiles are scored by; twice its mean over evenly spread levels is about the CRPS.
 * @param quantiles one row a step, one value a level
 * @returns mean over steps and levels
 */
export function pinballLoss(
  quantiles: readonly (readonly number[])[],
  levels: readonly number[],
  actual: ArrayLike<number>,
): number {
  let [total, count] = [0, 0];
  quantiles.forEach((row, step) => {
    const outcome = actual[step];
    if (outcome === undefined) return;
    levels.forEach((level, l) => {
      const miss = outcome - (row[l] ?? 0);
      total += miss >= 0 ? level * miss : (level - 1) * miss;
      count += 1;
    });
  });
  return count === 0 ? 0 : total / count;
}

/** Share of outcomes within their interval, ends included. */
export function coverage(actual: ArrayLike<number>, lower: ArrayLike<number>, upper: ArrayLike<number>): number {
  return mean(actual.length, (h) => (at(actual, h) >= at(lower, h) && at(actual, h) <= at(upper, h) ? 1 : 0));
}

/**
 * Mean scaled interval score: width, and for each miss 2/(1 − share) times by how much, in units of the naive error.
 * @param share that the interval is to hold, 0.95 for example
 */
export function msis(options: {
  known: ArrayLike<number>;
  actual: ArrayLike<number>;
  lower: ArrayLike<number>;
  upper: ArrayLike<number>;
  share: number;
  period?: number;
}): number {
  const { known, actual, lower, upper, share, period = 1 } = options;
  const score = mean(actual.length, (h) => {
    const [a, low, high] = [at(actual, h), at(lower, h), at(upper, h)];
    return high - low + (2 / (1 - share)) * (Math.max(0, low - a) + Math.max(0, a - high));
  });
  return score / naiveScale(known, period);
}

/** 0 is as good as the reference, 1 is perfect, below 0 is worse. */
export function skill(loss: number, referenceLoss: number): number {
  return referenceLoss === 0 ? 0 : 1 - loss / referenceLoss;
}

function naiveScale(known: ArrayLike<number>, period: number): number {
  return mean(known.length - period, (i) => Math.abs(at(known, i + period) - at(known, i)));
}

function mean(count: number, value: (index: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += value(i);
  return total / count;
}

function at(values: ArrayLike<number>, index: number): number {
  return values[index] ?? Number.NaN;
}
