/**
 * Each bar from the bars just before it and from those around one and two seasons earlier, by ridge regression; then
 * step by step into the future, each forecast being a lag of the next.
 */
import { leastSquares } from './least-squares.ts';
import { type Model } from './model.ts';
import { bounded, standardise } from './standardise.ts';

const PENALTY = 0.001;
const MOST_RECENT_LAGS = 24;
const NEIGHBOURS = 2;
/** Lags that leave less than this share of the series to learn from are left out. */
const LONGEST_LAG = 0.55;
const FEWEST_ROWS_PER_LAG = 3;

export const lagRegression: Model = {
  name: 'lag-regression',
  path(logs, season, horizon) {
    const n = logs.length;
    const lags = lagsOf(season, n);
    const longest = lags.at(-1) ?? 1;
    if (n - longest < FEWEST_ROWS_PER_LAG * lags.length) {
      return { refused: 'short', message: `${n} bars; ${lags.length} lags need more` };
    }
    const { values, restore } = standardise(logs, horizon);
    const rows = leastSquares(lags.length + 1);
    const row = new Float64Array(lags.length + 1).fill(1);
    const look = (t: number): void => lags.forEach((lag, j) => (row[j + 1] = values[t - lag] ?? 0));
    for (let t = longest; t < n; t++) {
      look(t);
      rows.add(row, values[t] ?? 0);
    }
    const coefficients = rows.solve(PENALTY);
    for (let t = n; t < n + horizon; t++) {
      look(t);
      values[t] = bounded(row.reduce((sum, value, i) => sum + value * (coefficients[i] ?? 0), 0));
    }
    return values.slice(n).map(restore);
  },
};

/** Rising. */
function lagsOf(season: readonly number[], length: number): number[] {
  const shortest = season[0] ?? 5;
  const recent = Math.min(MOST_RECENT_LAGS, shortest, Math.floor(length / 10));
  const lags = Array.from({ length: Math.max(1, recent) }, (_, i) => i + 1);
  for (const period of season) {
    for (let near = -NEIGHBOURS; near <= NEIGHBOURS; near++) lags.push(period + near);
    lags.push(2 * period, period === shortest ? 3 * period : period);
  }
  return [...new Set(lags)].filter((lag) => lag >= 1 && lag <= LONGEST_LAG * length).sort((a, b) => a - b);
}
