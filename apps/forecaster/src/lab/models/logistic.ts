/** Logistic regression with a ridge penalty, by Newton's steps (iteratively reweighted least squares). */
import { leastSquares } from '../../models/least-squares.ts';
import { baseOf, probability, sigmoid, type Learner } from './learner.ts';

const STEPS = 12;
const SETTLED = 1e-8;
/** No row is ever so certain that it loses all weight. */
const SMALLEST_WEIGHT = 1e-3;

export const logistic: Learner = {
  defaults: { penalty: 0.03 },
  grid: [0.0003, 0.003, 0.03, 0.3, 3].map((penalty) => ({ penalty })),
  learn(lesson, { penalty = 0.03 }) {
    const { rows, rises } = lesson;
    const width = (rows[0]?.length ?? 0) + 1;
    const withOne = rows.map((row) => Float64Array.of(1, ...row));
    const base = baseOf(lesson);
    let weights = new Float64Array(width);
    weights[0] = Math.log(base / (1 - base));
    const lean = (row: Float64Array, by: Float64Array): number => row.reduce((sum, v, j) => sum + v * (by[j] ?? 0), 0);
    for (let step = 0; step < STEPS; step++) {
      const system = leastSquares(width);
      withOne.forEach((row, i) => {
        const z = lean(row, weights);
        const p = sigmoid(z);
        const weight = Math.max(SMALLEST_WEIGHT, p * (1 - p));
        system.add(row, z + ((rises[i] ?? 0) - p) / weight, weight);
      });
      // The penalty of least squares is counted per unit of weight, that of the likelihood per row.
      const next = system.solve((penalty * rows.length) / Math.max(1e-9, system.weight)) as Float64Array<ArrayBuffer>;
      const moved = next.reduce((sum, value, j) => sum + (value - (weights[j] ?? 0)) ** 2, 0);
      weights = next;
      if (!(moved > SETTLED)) break;
    }
    return (row) => probability(sigmoid(lean(Float64Array.of(1, ...row), weights)));
  },
};
