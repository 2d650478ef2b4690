/** Regression trees on binned features, for boosting and for forests. */

export interface TreeOptions {
  depth: number;
  fewestRows: number;
  /** Rows worth of zero in every leaf: a leaf of few rows says little. */
  leafPrior: number;
  /** Features that a split may choose from, asked anew for each; all when left out. */
  choices?: () => readonly number[];
}

interface Split {
  feature: number;
  /** Rows whose bin is at most this go left. */
  bin: number;
  left: Tree;
  right: Tree;
}
export type Tree = Split | number;

const BINS = 16;

export interface Binning {
  rows: readonly Uint8Array[];
  width: number;
  toBins(row: Float64Array): Uint8Array;
}

/** Parts each feature's values into equal shares. */
export function binRows(rows: readonly Float64Array[]): Binning {
  const width = rows[0]?.length ?? 0;
  const edges = Array.from({ length: width }, (_, feature) => quantileEdges(rows, feature));
  const toBins = (row: Float64Array): Uint8Array => {
    const bins = new Uint8Array(width);
    for (let f = 0; f < width; f++) bins[f] = binOf(edges[f] as Float64Array, row[f] as number);
    return bins;
  };
  return { rows: rows.map(toBins), width, toBins };
}

/** @param members positions of the rows to learn from; one may be there several times */
export function growTree(
  binning: Binning,
  targets: Float64Array,
  members: readonly number[],
  options: TreeOptions,
  depth: number = options.depth,
): Tree {
  const total = members.reduce((sum, i) => sum + (targets[i] as number), 0);
  const leaf = total / (members.length + options.leafPrior);
  if (depth === 0 || members.length < 2 * options.fewestRows) return leaf;
  const best = bestSplit(binning, targets, members, total, options);
  if (best === null) return leaf;
  const { feature, bin } = best;
  const goesLeft = (i: number): boolean => (binning.rows[i]?.[feature] ?? 0) <= bin;
  const side = (of: (i: number) => boolean): Tree => growTree(binning, targets, members.filter(of), options, depth - 1);
  return { feature, bin, left: side(goesLeft), right: side((i) => !goesLeft(i)) };
}

function bestSplit(
  { rows, width }: Binning,
  targets: Float64Array,
  members: readonly number[],
  total: number,
  { fewestRows, leafPrior, choices }: TreeOptions,
): { feature: number; bin: number } | null {
  const features = choices?.() ?? Array.from({ length: width }, (_, f) => f);
  const sums = new Float64Array(width * BINS);
  const counts = new Float64Array(width * BINS);
  for (const i of members) {
    const bins = rows[i] as Uint8Array;
    const target = targets[i] as number;
    for (const f of features) {
      const cell = f * BINS + (bins[f] as number);
      sums[cell] = (sums[cell] as number) + target;
      counts[cell] = (counts[cell] as number) + 1;
    }
  }
  const worth = (sum: number, count: number): number => (sum * sum) / (count + leafPrior);
  let best = { gain: worth(total, members.length) * (1 + 1e-9) + Number.MIN_VALUE, feature: -1, bin: 0 };
  for (const feature of features) {
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

export function answerOf(tree: Tree, bins: Uint8Array): number {
  let node = tree;
  while (typeof node !== 'number') node = (bins[node.feature] as number) <= node.bin ? node.left : node.right;
  return node;
}

/** Rising values that part the feature's values into equal shares. */
function quantileEdges(rows: readonly Float64Array[], feature: number): Float64Array {
  const values = new Float64Array(rows.length);
  for (let i = 0; i < values.length; i++) values[i] = rows[i]?.[feature] ?? 0;
  values.sort();
  return Float64Array.from({ length: BINS - 1 }, (_, b) => values[Math.floor(((b + 1) * values.length) / BINS)] ?? 0);
}

/** How many edges lie below the value. */
function binOf(edges: Float64Array, value: number): number {
  let [low, high] = [0, edges.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value > (edges[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low;
}
