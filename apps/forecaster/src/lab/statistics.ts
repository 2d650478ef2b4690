/** What may be said of a hit rate and of a difference, and what may not. */
import { FEWEST_TEST_ROWS, LAB_SIGNIFICANCE, type LabResult, type LabVerdict } from '@tapecast/contracts/lab';

const Z_95 = 1.959964;
/** Decisions below which nothing is said. */
const FEWEST_DECISIONS = 20;

/**
 * Interval of a share at 95 % (Wilson 1927).
 * @param n independent trials; need not be whole: overlapping ones count as fewer than they are
 */
export function wilson(share: number, n: number): [number, number] {
  if (!(n > 0)) return [0, 1];
  const z2 = Z_95 ** 2;
  const centre = (share + z2 / (2 * n)) / (1 + z2 / n);
  const reach = (Z_95 / (1 + z2 / n)) * Math.sqrt((share * (1 - share)) / n + z2 / (4 * n * n));
  return [Math.max(0, centre - reach), Math.min(1, centre + reach)];
}

/** Probability that the best of so many independent tries looks at least this good by luck (Šidák 1967). */
export function deflate(pValue: number, tries: number): number {
  return -Math.expm1(Math.max(1, tries) * Math.log1p(-Math.min(1 - 1e-16, pValue)));
}

/**
 * "Better" must survive every try: each candidate of the tuning and each earlier run of this series. "Worse" need not: nobody
 * looks for that until it is found.
 * @param attempt how many different runs of the series there were, this one included
 */
export function verdictOf(result: LabResult, attempt: number): LabVerdict {
  const { n, independent, difference } = result.test;
  if (n < FEWEST_TEST_ROWS || independent < FEWEST_DECISIONS || difference.pValue === null) return 'too-few';
  if (difference.mean < 0) return difference.pValue < LAB_SIGNIFICANCE ? 'worse' : 'same';
  const tries = attempt * result.training.tried.length;
  return difference.mean > 0 && deflate(difference.pValue, tries) < LAB_SIGNIFICANCE ? 'better' : 'same';
}
