/**
 * Exponential smoothing with several seasons and an autocorrelated remainder (Taylor 2003, without a trend): a level, one
 * figure a phase for each season, and what the last error still says. Weights are chosen by one-step errors.
 */
import { minimise } from './nelder-mead.ts';
import { type Model } from './model.ts';

const EVALUATIONS = 160;
/** Older bars move the figures little. */
const WINDOW = 400;
const MOST_CYCLES = 5;
/** Half of the last error is carried on, the level hardly moves, seasons move a little: before anything was learnt. */
const START = { level: -4, carry: 1.5, season: -2 };
const STRONGEST_CARRY = 0.999;

export const seasonalSmoothing: Model = {
  name: 'seasonal-smoothing',
  path(all, season, horizon) {
    const logs = all.slice(-Math.max(WINDOW, MOST_CYCLES * Math.max(0, ...season)));
    const n = logs.length;
    const periods = season.filter((period) => period >= 2 && 2 * period <= n);
    const longest = periods.at(-1);
    if (longest === undefined) {
      return {
        refused: 'no-season',
        message: `no season seen twice in ${n} bars (periods: ${season.join(', ') || 'none'})`,
      };
    }
    const initial = firstFigures(logs, periods, 2 * longest);
    const figures = initial.figures.map((figure) => figure.slice());

    function run(at: readonly number[]): { level: number; carry: number; remainder: number; squares: number } {
      const [alpha = 0, carry = 0, ...gammas] = at.map(toShare);
      figures.forEach((figure, k) => figure.set(initial.figures[k] ?? []));
      let [level, remainder, squares] = [initial.level, 0, 0];
      for (let i = 0; i < n; i++) {
        let expected = level;
        for (let k = 0; k < periods.length; k++) expected += figures[k]?.[i % (periods[k] as number)] as number;
        const off = (logs[i] as number) - expected;
        const error = off - STRONGEST_CARRY * carry * remainder;
        if (i >= (longest as number)) squares += error * error;
        level += alpha * error;
        for (let k = 0; k < periods.length; k++) {
          const figure = figures[k] as Float64Array;
          const phase = i % (periods[k] as number);
          figure[phase] = (figure[phase] as number) + (gammas[k] as number) * error;
        }
        remainder = off;
      }
      return { level, carry: STRONGEST_CARRY * carry, remainder, squares };
    }

    const start = [START.level, START.carry, ...periods.map(() => START.season)];
    const best = minimise((at) => Math.log(run(at).squares + Number.MIN_VALUE), start, 1, EVALUATIONS);
    const { level, carry, remainder } = run(best);
    return Float64Array.from({ length: horizon }, (_, h) => {
      const seasonal = figures.reduce((sum, figure) => sum + (figure[(n + h) % figure.length] ?? 0), 0);
      return level + seasonal + carry ** (h + 1) * remainder;
    });
  },
};

/** Averages of the first bars: the level, then each season's deviations from what came before it. */
function firstFigures(
  logs: Float64Array,
  periods: readonly number[],
  bars: number,
): { level: number; figures: Float64Array[] } {
  const rest = logs.slice(0, bars);
  const level = rest.reduce((a, b) => a + b, 0) / rest.length;
  for (let i = 0; i < rest.length; i++) rest[i] = (rest[i] ?? 0) - level;
  const figures = periods.map((period) => {
    const figure = new Float64Array(period);
    const counts = new Float64Array(period);
    rest.forEach((value, i) => {
      figure[i % period] = (figure[i % period] ?? 0) + value;
      counts[i % period] = (counts[i % period] ?? 0) + 1;
    });
    const averages = figure.map((sum, phase) => sum / Math.max(1, counts[phase] ?? 0));
    for (let i = 0; i < rest.length; i++) rest[i] = (rest[i] ?? 0) - (averages[i % period] ?? 0);
    return averages;
  });
  return { level, figures };
}

function toShare(logit: number): number {
  return 1 / (1 + Math.exp(-logit));
}
