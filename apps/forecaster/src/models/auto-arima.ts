/**
 * ARIMA, its orders chosen by information criterion, estimated in two regressions (Hannan and Rissanen 1982): a long
 * autoregression finds the shocks, then bars are regressed on earlier bars and shocks, those of a season ago among them.
 * Differences are always taken once: prices have a unit root.
 */
import { leastSquares } from './least-squares.ts';
import { type Model } from './model.ts';
import { bounded, standardise } from './standardise.ts';

const WINDOW = 600;
const ORDERS = [0, 1, 2];
const PENALTY = 1e-4;
const FEWEST_ROWS = 40;

interface Fit {
  /** Lags of the differences and of the shocks that are used. */
  ar: number[];
  ma: number[];
  coefficients: Float64Array;
  criterion: number;
}

export const autoArima: Model = {
  name: 'auto-arima',
  path(logs, season, horizon) {
    const recent = logs.slice(-WINDOW);
    const steps = recent.subarray(1).map((log, i) => log - (recent[i] ?? log));
    const n = steps.length;
    const { values, restore } = standardise(steps, horizon);
    const warmUp = Math.min(20, Math.floor(n / 5));
    const period = season.find((bars) => bars >= 4 && 4 * bars <= n);
    if (n - warmUp - (period ?? 3) < FEWEST_ROWS) {
      return { refused: 'short', message: `${recent.length} bars; an ARIMA needs more` };
    }
    const shocks = new Float64Array(n + horizon);
    shocks.set(shocksOf(values.subarray(0, n), warmUp));
    const start = warmUp + (period ?? Math.max(...ORDERS));
    const fits = ORDERS.flatMap((p) =>
      ORDERS.flatMap((q) => {
        const plain = regress(values, shocks, { ar: upTo(p), ma: upTo(q), start, end: n });
        if (period === undefined) return [plain];
        const [ar, ma] = [
          [...upTo(p), period],
          [...upTo(q), period],
        ];
        return [plain, regress(values, shocks, { ar, ma, start, end: n })];
      }),
    );
    const best = fits.reduce((a, b) => (b.criterion < a.criterion ? b : a));
    let log = recent[recent.length - 1] ?? Number.NaN;
    return Float64Array.from({ length: horizon }, (_, h) => {
      values[n + h] = bounded(predict(best, values, shocks, n + h));
      log += restore(values[n + h] ?? 0);
      return log;
    });
  },
};

function shocksOf(values: Float64Array, order: number): Float64Array {
  const fit = regress(values, values, { ar: upTo(order), ma: [], start: order, end: values.length });
  return values.map((value, t) => (t < order ? 0 : value - predict(fit, values, values, t)));
}

function regress(
  values: Float64Array,
  shocks: Float64Array,
  { ar, ma, start, end }: { ar: number[]; ma: number[]; start: number; end: number },
): Fit {
  const width = 1 + ar.length + ma.length;
  const rows = leastSquares(width);
  const row = new Float64Array(width).fill(1);
  for (let t = start; t < end; t++) {
    fill(row, ar, ma, values, shocks, t);
    rows.add(row, values[t] ?? 0);
  }
  const coefficients = rows.solve(PENALTY);
  const mean = rows.squaredError(coefficients) / rows.weight;
  // Bayesian: the data decide between a few dozen candidates, most of which are one too many.
  const criterion = rows.weight * Math.log(mean + Number.MIN_VALUE) + width * Math.log(rows.weight);
  return { ar, ma, coefficients, criterion };
}

function predict(fit: Fit, values: Float64Array, shocks: Float64Array, t: number): number {
  const row = new Float64Array(fit.coefficients.length).fill(1);
  fill(row, fit.ar, fit.ma, values, shocks, t);
  return row.reduce((sum, value, i) => sum + value * (fit.coefficients[i] ?? 0), 0);
}

function fill(
  row: Float64Array,
  ar: number[],
  ma: number[],
  values: Float64Array,
  shocks: Float64Array,
  t: number,
): void {
  ar.forEach((lag, i) => (row[1 + i] = values[t - lag] ?? 0));
  ma.forEach((lag, i) => (row[1 + ar.length + i] = shocks[t - lag] ?? 0));
}

function upTo(order: number): number[] {
  return Array.from({ length: order }, (_, i) => i + 1);
}
