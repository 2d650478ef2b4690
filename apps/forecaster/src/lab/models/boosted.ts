/** Gradient boosted trees, the same as the forecaster's. */
import { boost } from '../../models/boosting.ts';
import { probability, type Learner } from './learner.ts';

const RATE = 0.1;
const FEWEST_ROWS = 20;

export const boosted: Learner = {
  defaults: { rounds: 40, depth: 2 },
  grid: [1, 2, 3].flatMap((depth) => [20, 40, 80].map((rounds) => ({ rounds, depth }))),
  learn({ rows, rises }, { rounds = 40, depth = 2 }) {
    const expected = boost(rows, rises, { rounds, depth, rate: RATE, fewestRows: FEWEST_ROWS });
    return (row) => probability(expected(row));
  },
};
