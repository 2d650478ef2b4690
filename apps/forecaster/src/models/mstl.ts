/** Seasons taken out one after the other (MSTL), and exponential smoothing of what remains. */
import { fitPath, mstlEts } from './augurs.ts';
import { type Model } from './model.ts';

const WINDOW = 300;
/** A season is told from noise only when it was seen a few times. */
const FEWEST_CYCLES = 3;

export const mstl: Model = {
  name: 'mstl',
  path(logs, season, horizon) {
    const longest = Math.max(0, ...season);
    const window = Math.max(WINDOW, FEWEST_CYCLES * longest);
    const length = Math.min(window, logs.length);
    const periods = season.filter((period) => period >= 2 && FEWEST_CYCLES * period <= length);
    if (periods.length === 0) {
      return { refused: 'no-season', message: `no season in ${length} bars (periods: ${season.join(', ') || 'none'})` };
    }
    return fitPath(() => mstlEts().MSTL.ets(periods), logs, window, horizon);
  },
};
