/**
 * Gradient boosting of shallow regression trees on binned features (Friedman 2001): small, quick and deterministic. Written here because the
 * forests on the registry take a second and more for a thousand rows, and a forecast asks a dozen times.
 */
import { answerOf, binRows, growTree, type Tree } from './binned-trees.ts';

export interface BoostingOptions {
  rounds: number;
  /** Share of each tree's answer that is taken. */
  rate: number;
  depth: number;
  fewestRows: number;
}

const LEAF_PRIOR = 20;

/** @returns a function from a row of features to the expected target */
export function boost(
  rows: readonly Float64Array[],
  targets: Float64Array,
  options: BoostingOptions,
): (row: Float64Array) => number {
  const binning = binRows(rows);
  const mean = targets.reduce((a, b) => a + b, 0) / Math.max(1, targets.length);
  const left = targets.map((target) => target - mean);
  const everyone = Array.from(rows, (_, i) => i);
  const trees: Tree[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const tree = growTree(binning, left, everyone, { ...options, leafPrior: LEAF_PRIOR });
    if (typeof tree === 'number') break;
    binning.rows.forEach((bins, i) => (left[i] = (left[i] ?? 0) - options.rate * answerOf(tree, bins)));
    trees.push(tree);
  }
  return (row) => {
    const bins = binning.toBins(row);
    return trees.reduce<number>((sum, tree) => sum + options.rate * answerOf(tree, bins), mean);
  };
}
