/** The random walk with a trend, and the trend drawn towards zero by as much as the noise leaves it in doubt. */
import { type Model } from './model.ts';

export const drift: Model = {
  name: 'drift',
  path(logs, _season, horizon) {
    const steps = logs.length - 1;
    const last = logs[steps] ?? Number.NaN;
    const mean = steps > 0 ? (last - (logs[0] ?? last)) / steps : 0;
    let squares = 0;
    for (let i = 1; i <= steps; i++) squares += ((logs[i] ?? 0) - (logs[i - 1] ?? 0) - mean) ** 2;
    const varianceOfMean = steps > 1 ? squares / (steps - 1) / steps : 0;
    const trust = mean === 0 ? 0 : mean ** 2 / (mean ** 2 + varianceOfMean);
    return Float64Array.from({ length: horizon }, (_, h) => last + (h + 1) * mean * trust);
  },
};
