/** As a season ago: the last cycle of the longest season that was seen twice, repeated. */
import { type Model } from './model.ts';

export const seasonalNaive: Model = {
  name: 'seasonal-naive',
  path(logs, season, horizon) {
    const period = season.findLast((bars) => bars >= 2 && 2 * bars <= logs.length);
    if (period === undefined) {
      return {
        refused: 'no-season',
        message: `no season seen twice in ${logs.length} bars (periods: ${season.join(', ') || 'none'})`,
      };
    }
    const from = logs.length - period;
    return Float64Array.from({ length: horizon }, (_, h) => logs[from + (h % period)] ?? Number.NaN);
  },
};
