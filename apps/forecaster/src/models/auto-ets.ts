/** Exponential smoothing; the trend is chosen by information criterion. It knows no seasons. */
import { autoEts, fitPath } from './augurs.ts';
import { type Model } from './model.ts';

/** Older bars change the smoothing little and cost time at each of the many fits. */
const WINDOW = 200;

export const autoEtsModel: Model = {
  name: 'auto-ets',
  path: (logs, _season, horizon) => fitPath(() => new (autoEts().AutoETS)(1, 'AZN'), logs, WINDOW, horizon),
};
