/**
 * Theta (Assimakopoulos and Nikolopoulos 2000) in the form of Hyndman and Billah (2003): exponential smoothing with half
 * the slope of the trend, on the seasonally adjusted series.
 */
import { decompose } from './decompose.ts';
import { type Model } from './model.ts';

const WINDOW = 600;
const CANDIDATES = [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.99];

export const theta: Model = {
  name: 'theta',
  path(logs, season, horizon) {
    const recent = logs.slice(-WINDOW);
    const { adjusted, seasonal } = decompose(recent, season);
    const n = recent.length;
    const drift = slopeOf(adjusted) / 2;
    const fits = CANDIDATES.map((alpha) => ({ alpha, ...smooth(adjusted, alpha) }));
    const { alpha, level } = fits.reduce((best, fit) => (fit.squares < best.squares ? fit : best));
    const lag = (1 - (1 - alpha) ** n) / alpha;
    return Float64Array.from({ length: horizon }, (_, h) => level + drift * (h + lag) + seasonal(n + h));
  },
};

function smooth(values: Float64Array, alpha: number): { level: number; squares: number } {
  let level = values[0] ?? 0;
  let squares = 0;
  for (let i = 1; i < values.length; i++) {
    const error = (values[i] ?? 0) - level;
    squares += error * error;
    level += alpha * error;
  }
  return { level, squares };
}

function slopeOf(values: Float64Array): number {
  const middle = (values.length - 1) / 2;
  let [products, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) {
    products += (i - middle) * (values[i] ?? 0);
    squares += (i - middle) ** 2;
  }
  return squares === 0 ? 0 : products / squares;
}
