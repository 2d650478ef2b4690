/** The random walk: tomorrow as today. Every other model has to beat it. */
import { type Model } from './model.ts';

export const lastPrice: Model = {
  name: 'last-price',
  path: (logs, _season, horizon) => new Float64Array(horizon).fill(logs[logs.length - 1] ?? Number.NaN),
};
