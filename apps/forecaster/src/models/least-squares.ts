/** Ridge regression by its normal equations: rows are added one at a time, so that no design matrix is kept. */

export interface LeastSquares {
  /** @param row regressors; not kept */
  add(row: Float64Array, target: number, weight?: number): void;
  /**
   * Coefficients that minimise the mean squared error plus `penalty` times the sum of their squares.
   * @param free so many coefficients at the front (an intercept) are not penalised
   */
  solve(penalty: number, free?: number): Float64Array;
  /** Sum of the weights of the rows. */
  readonly weight: number;
  /** Sum of squared errors of these coefficients over all rows. */
  squaredError(coefficients: Float64Array): number;
}

const TINY = 1e-12;

export function leastSquares(width: number): LeastSquares {
  const gram = Array.from({ length: width }, () => new Float64Array(width));
  const moments = new Float64Array(width);
  let [total, squares] = [0, 0];

  return {
    add(row, target, weight = 1) {
      total += weight;
      squares += weight * target * target;
      for (let i = 0; i < width; i++) {
        const value = (row[i] ?? 0) * weight;
        if (value === 0) continue;
        moments[i] = (moments[i] ?? 0) + value * target;
        const line = gram[i] as Float64Array;
        for (let j = 0; j <= i; j++) line[j] = (line[j] as number) + value * (row[j] as number);
      }
    },
    solve(penalty, free = 1) {
      const lower = gram.map((line, i) => {
        const copy = line.slice();
        copy[i] = (copy[i] ?? 0) + total * (i < free ? TINY : penalty);
        return copy;
      });
      factorise(lower);
      return substitute(lower, moments);
    },
    get weight() {
      return total;
    },
    squaredError(coefficients) {
      let error = squares;
      for (let i = 0; i < width; i++) {
        const c = coefficients[i] ?? 0;
        error -= 2 * c * (moments[i] ?? 0);
        for (let j = 0; j < width; j++) {
          error += c * (coefficients[j] ?? 0) * (gram[Math.max(i, j)]?.[Math.min(i, j)] ?? 0);
        }
      }
      return Math.max(0, error);
    },
  };
}

/** Cholesky, in place, lower triangle. A direction that the rows say nothing about gets a coefficient near zero. */
function factorise(lower: Float64Array[]): void {
  lower.forEach((line, j) => {
    for (let k = 0; k < j; k++) line[j] = (line[j] as number) - (line[k] as number) ** 2;
    const pivot = Math.sqrt(Math.max(line[j] as number, TINY));
    line[j] = pivot;
    for (let i = j + 1; i < lower.length; i++) {
      const below = lower[i] as Float64Array;
      let value = below[j] as number;
      for (let k = 0; k < j; k++) value -= (below[k] as number) * (line[k] as number);
      below[j] = value / pivot;
    }
  });
}

function substitute(lower: Float64Array[], moments: Float64Array): Float64Array {
  const x = moments.slice();
  lower.forEach((line, i) => {
    let value = x[i] as number;
    for (let k = 0; k < i; k++) value -= (line[k] as number) * (x[k] as number);
    x[i] = value / (line[i] as number);
  });
  for (let i = lower.length - 1; i >= 0; i--) {
    let value = x[i] as number;
    for (let k = i + 1; k < lower.length; k++) value -= (lower[k]?.[i] as number) * (x[k] as number);
    x[i] = value / (lower[i]?.[i] as number);
  }
  return x;
}
