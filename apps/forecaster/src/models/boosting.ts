/**
 * Gradient boosting of shallow regression trees on binned features (Friedman 2001): small, quick and deterministic. Written here because the
 * forests on the registry take a second and more for a thousand rows, and a forecast asks a dozen times.
 */

export interface BoostingOptions {
  rounds: number;
  /** Share of each tree's answer that is taken. */
  rate: number;
  depth: number;
  fewestRows: number;
}

interface Split {
  feature: number;
  /** Rows whose bin is at most this go left. */
  bin: number;
  left: Branch;
  right: Branch;
}
type Branch = Split | number;

const BINS = 16;
/** Rows worth of zero in every leaf: a leaf of few rows says little. */
const LEAF_PRIOR = 20;

/** @returns a function from a row of features to the expected target */
export function boost(
  rows: readonly Float64Array[],
  targets: Float64Array,
  options: BoostingOptions,
): (row: Float64Array) => number {
  const width = rows[0]?.length ?? 0;
  const edges = Array.from({ length: width }, (_, feature) => quantileEdges(rows, feature));
  const toBins = (row: Float64Array): Uint8Array => Uint8Array.from(row, (value, f) => binOf(edges[f] ?? [], value));
  const binned = rows.map(toBins);
  const mean = targets.reduce((a, b) => a + b, 0) / Math.max(1, targets.length);
  const left = targets.map((target) => target - mean);
  const everyone = Array.from(rows, (_, i) => i);
  const trees: Branch[] = [];
  for (let round = 0; round < options.rounds; round++) {
    const tree = grow(binned, left, everyone, width, options.depth, options);
    if (typeof tree === 'number') break;
    binned.forEach((bins, i) => (left[i] = (left[i] ?? 0) - options.rate * answer(tree, bins)));
    trees.push(tree);
  }
  return (row) => {
    const bins = toBins(row);
    return trees.reduce<number>((sum, tree) => sum + options.rate * answer(tree, bins), mean);
  };
}

function grow(
  binned: readonly Uint8Array[],
  targets: Float64Array,
  members: readonly number[],
  width: number,
  depth: number,
  options: BoostingOptions,
): Branch {
  const total = members.reduce((sum, i) => sum + (targets[i] as number), 0);
  const leaf = total / (members.length + LEAF_PRIOR);
  if (depth === 0 || members.length < 2 * options.fewestRows) return leaf;
  const best = bestSplit(binned, targets, members, width, total, options.fewestRows);
  if (best === null) return leaf;
  const { feature, bin } = best;
  const goesLeft = (i: number): boolean => (binned[i]?.[feature] ?? 0) <= bin;
  const side = (of: (i: number) => boolean): Branch =>
    grow(binned, targets, members.filter(of), width, depth - 1, options);
  return { feature, bin, left: side(goesLeft), right: side((i) => !goesLeft(i)) };
}

function bestSplit(
  binned: readonly Uint8Array[],
  targets: Float64Array,
  members: readonly number[],
  width: number,
  total: number,
  fewestRows: number,
): { feature: number; bin: number } | null {
  const sums = new Float64Array(width * BINS);
  const counts = new Float64Array(width * BINS);
  for (const i of members) {
    const bins = binned[i] as Uint8Array;
    const target = targets[i] as number;
    for (let f = 0; f < width; f++) {
      const cell = f * BINS + (bins[f] as number);
      sums[cell] = (sums[cell] as number) + target;
      counts[cell] = (counts[cell] as number) + 1;
    }
  }
  const worth = (sum: number, count: number): number => (sum * sum) / (count + LEAF_PRIOR);
  let best = { gain: worth(total, members.length) * (1 + 1e-9) + Number.MIN_VALUE, feature: -1, bin: 0 };
  for (let feature = 0; feature < width; feature++) {
    let [sum, count] = [0, 0];
    for (let bin = 0; bin < BINS - 1; bin++) {
      sum += sums[feature * BINS + bin] as number;
      count += counts[feature * BINS + bin] as number;
      if (count < fewestRows || members.length - count < fewestRows) continue;
      const gain = worth(sum, count) + worth(total - sum, members.length - count);
      if (gain > best.gain) best = { gain, feature, bin };
    }
  }
  return best.feature < 0 ? null : best;
}

function answer(tree: Branch, bins: Uint8Array): number {
  let node = tree;
  while (typeof node !== 'number') node = (bins[node.feature] as number) <= node.bin ? node.left : node.right;
  return node;
}

/** Rising values that part the feature's values into equal shares. */
function quantileEdges(rows: readonly Float64Array[], feature: number): number[] {
  const values = Float64Array.from(rows, (row) => row[feature] ?? 0).sort();
  return Array.from({ length: BINS - 1 }, (_, b) => values[Math.floor(((b + 1) * values.length) / BINS)] ?? 0);
}

function binOf(edges: readonly number[], value: number): number {
  let bin = 0;
  while (bin < edges.length && value > (edges[bin] as number)) bin++;
  return bin;
}
