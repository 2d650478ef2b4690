/**
 * Which model is shown. Prices are close to a random walk and twelve trials prove little, so the last price is shown
 * unless another model has been better by a margin, and more surely than luck explains.
 */

/** Mean pinball loss at each origin, in the order of the origins; null where the model refused. */
export interface ModelLosses {
  name: string;
  losses: readonly (number | null)[];
}

const FEWEST_TRIALS = 8;
const MARGIN = 0.03;
/** One-sided 0.5 % of Student's t with 11 degrees of freedom: several models are tried at once. */
const SURE = 3.1;

/** @returns the name of the model to show: `reference.name` unless another one has earned it */
export function chooseShown(reference: ModelLosses, others: readonly ModelLosses[]): string {
  let best = { name: reference.name, gain: 0 };
  for (const { name, losses } of others) {
    const gains = losses.flatMap((loss, k) => {
      const walk = reference.losses[k];
      return loss === null || walk === null || walk === undefined || walk === 0 ? [] : [1 - loss / walk];
    });
    if (gains.length < FEWEST_TRIALS) continue;
    const gain = gains.reduce((a, b) => a + b, 0) / gains.length;
    const variance = gains.reduce((a, b) => a + (b - gain) ** 2, 0) / (gains.length - 1);
    const t = gain / Math.sqrt(variance / gains.length + Number.MIN_VALUE);
    if (gain > MARGIN && t > SURE && gain > best.gain) best = { name, gain };
  }
  return best.name;
}

/**
 * @param quantiles one row a step, one value a level
 * @returns mean over steps and levels, in the unit of the values
 */
export function pinballLoss(
  quantiles: readonly number[][],
  levels: readonly number[],
  actual: ArrayLike<number>,
): number {
  let total = 0;
  let count = 0;
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
