/** Teaches a model all that was known at a bar: standardised by that alone, with randomness of its own. */
import { assertKnown, knownRows, type Dataset } from './dataset.ts';
import { type Learner, type Parameters, type Predictor } from './models/learner.ts';
import { randomFrom } from './random.ts';

/** A value farther out than so many spreads has no more to say. */
const FARTHEST = 5;

/** @param positions rows of the lesson; all that are known, unless a test plants others */
export function teach(
  dataset: Dataset,
  options: {
    learner: Learner;
    parameters: Parameters;
    lastKnown: number;
    seed: number;
    positions?: readonly number[];
  },
): Predictor {
  const { learner, parameters, lastKnown, seed, positions = knownRows(dataset, lastKnown) } = options;
  assertKnown(dataset, positions, lastKnown);
  const raw = positions.map((t) => dataset.rows[t] ?? new Float64Array());
  const scale = scalerOf(raw);
  const rises = Float64Array.from(positions, (t) => dataset.rises[t] ?? 0);
  const predict = learner.learn({ rows: raw.map(scale), rises, random: randomFrom(seed) }, parameters);
  return (row) => predict(scale(row));
}

function scalerOf(rows: readonly Float64Array[]): (row: Float64Array) => Float64Array {
  const width = rows[0]?.length ?? 0;
  const means = new Float64Array(width);
  const spreads = new Float64Array(width);
  for (const row of rows) for (let j = 0; j < width; j++) means[j] = (means[j] ?? 0) + (row[j] ?? 0) / rows.length;
  for (const row of rows) {
    for (let j = 0; j < width; j++) {
      spreads[j] = (spreads[j] ?? 0) + ((row[j] ?? 0) - (means[j] ?? 0)) ** 2 / rows.length;
    }
  }
  return (row) =>
    row.map((value, j) => {
      const spread = Math.sqrt(spreads[j] ?? 0);
      // A column that never moved says nothing, not even through the last digits of its sum.
      if (spread <= 1e-9 * Math.abs(means[j] ?? 0) || spread === 0) return 0;
      return Math.max(-FARTHEST, Math.min(FARTHEST, (value - (means[j] ?? 0)) / spread));
    });
}
