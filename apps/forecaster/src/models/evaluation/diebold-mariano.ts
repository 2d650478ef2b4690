/**
 * Whether one forecast was better than another, or lucky (Diebold and Mariano 1995, with the small-sample correction of
 * Harvey, Leybourne and Newbold 1997).
 */
import { studentTail } from './student.ts';

export interface DieboldMariano {
  /** Mean of the differences. */
  mean: number;
  statistic: number;
  /** Probability of such a mean, or a greater one, if neither were better. */
  pValue: number;
}

/**
 * @param differences loss of the other forecast less that of the one in question, in the order of time
 * @param overlap so many trials before one share outcomes with it; 0 when every outcome is used once
 */
export function dieboldMariano(differences: readonly number[], overlap = 0): DieboldMariano {
  const n = differences.length;
  const mean = differences.reduce((a, b) => a + b, 0) / Math.max(1, n);
  if (n < 2) return { mean, statistic: 0, pValue: 1 };
  const lags = Math.min(overlap, n - 2);
  const covariance = (lag: number): number => {
    let sum = 0;
    for (let k = lag; k < n; k++) sum += ((differences[k] ?? 0) - mean) * ((differences[k - lag] ?? 0) - mean);
    return sum / n;
  };
  let variance = covariance(0);
  for (let lag = 1; lag <= lags; lag++) variance += 2 * (1 - lag / (lags + 1)) * covariance(lag);
  if (!(variance > 0)) return { mean, statistic: 0, pValue: mean > 0 && covariance(0) === 0 ? 0 : 1 };
  const correction = (n + 1 - 2 * (lags + 1) + ((lags + 1) * lags) / n) / n;
  const statistic = (mean / Math.sqrt(variance / n)) * Math.sqrt(Math.max(correction, 1 / n));
  return { mean, statistic, pValue: studentTail(statistic, n - 1) };
}
