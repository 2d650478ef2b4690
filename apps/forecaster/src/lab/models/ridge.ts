/** Ridge regression on rise or not: a straight line through yes and no, with small slopes preferred. */
import { leastSquares } from '../../models/least-squares.ts';
import { probability, type Learner } from './learner.ts';

const withOne = (row: Float64Array): Float64Array => Float64Array.of(1, ...row);

export const ridge: Learner = {
  defaults: { penalty: 0.1 },
  grid: [0.001, 0.01, 0.1, 1, 10].map((penalty) => ({ penalty })),
  learn({ rows, rises }, { penalty = 0.1 }) {
    const system = leastSquares((rows[0]?.length ?? 0) + 1);
    rows.forEach((row, i) => system.add(withOne(row), rises[i] ?? 0));
    const coefficients = system.solve(penalty);
    return (row) =>
      probability(row.reduce((sum, value, j) => sum + value * (coefficients[j + 1] ?? 0), coefficients[0] ?? 0.5));
  },
};
