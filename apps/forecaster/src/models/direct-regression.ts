/**
 * A ridge regression for each step ahead: from the newest bars and from those that lie whole seasons before the target.
 * Nothing is fed back, so errors do not add up over the horizon.
 */
import { leastSquares } from './least-squares.ts';
import { type Model, type Refusal } from './model.ts';
import { standardise } from './standardise.ts';

const PENALTY = 0.003;
const NEWEST = [0, 1, 2, 3];
/** Older bars add more work than knowledge. */
const WINDOW = 800;
/** Reaching back farther than this share of the series leaves too little to learn from. */
const LONGEST_REACH = 0.55;
const FEWEST_ROWS_PER_REGRESSOR = 3;

export const directRegression: Model = {
  name: 'direct-regression',
  path(all, season, horizon) {
    const logs = all.slice(-WINDOW);
    const n = logs.length;
    const periods = season.filter((period) => period >= 2 && period <= LONGEST_REACH * n);
    if (periods.length === 0) {
      return { refused: 'no-season', message: `no season in ${n} bars (periods: ${season.join(', ') || 'none'})` };
    }
    const { values, restore } = standardise(logs);
    const path = new Float64Array(horizon);
    for (let h = 1; h <= horizon; h++) {
      const step = stepAhead(values, backsOf(periods, h, n), h);
      if (typeof step !== 'number') return step;
      path[h - 1] = restore(step);
    }
    return path;
  },
};

/** Bars to look back, from the origin, for a target `h` bars ahead of it. */
function backsOf(periods: readonly number[], h: number, length: number): number[] {
  const backs = [...NEWEST];
  for (const period of periods) {
    const same = Math.ceil(h / period) * period - h;
    backs.push(same - 1, same, same + 1, same + period);
  }
  return [...new Set(backs)].filter((back) => back >= 0 && back + h <= LONGEST_REACH * length);
}

function stepAhead(values: Float64Array, backs: readonly number[], h: number): number | Refusal {
  const n = values.length;
  const reach = Math.max(...backs);
  if (backs.length === 0 || n - reach - h < FEWEST_ROWS_PER_REGRESSOR * backs.length) {
    return { refused: 'short', message: `${n} bars; looking ${h} ahead needs more` };
  }
  const rows = leastSquares(backs.length + 1);
  const row = new Float64Array(backs.length + 1).fill(1);
  const look = (t: number): void => {
    for (let j = 0; j < backs.length; j++) row[j + 1] = values[t - (backs[j] as number)] as number;
  };
  for (let t = reach; t + h < n; t++) {
    look(t);
    rows.add(row, values[t + h] as number);
  }
  const coefficients = rows.solve(PENALTY);
  look(n - 1);
  return row.reduce((sum, value, i) => sum + value * (coefficients[i] ?? 0), 0);
}
