/** What followed when the indicators looked like now: boosted trees, taught the average step over the horizon. */
import { boost } from './boosting.ts';
import { indicatorRows } from './indicators.ts';
import { type Model } from './model.ts';

const WINDOW = 500;
/** Bars that the slower indicators need. */
const WARM_UP = 40;
const FEWEST_ROWS = 60;
const OPTIONS = { rounds: 20, rate: 0.1, depth: 2, fewestRows: 20 };

export const boostedIndicators: Model = {
  name: 'boosted-indicators',
  path(logs, _season, horizon, indicators = indicatorRows(logs)) {
    const start = Math.max(0, logs.length - WINDOW);
    const n = logs.length - start;
    const recent = logs.subarray(start);
    const features = indicators.slice(start);
    // Outcomes of the newest bars are not known yet: these rows teach nothing.
    const known = features.slice(WARM_UP, n - horizon);
    if (known.length < FEWEST_ROWS) {
      return { refused: 'short', message: `${logs.length} bars; trees need ${WARM_UP + horizon + FEWEST_ROWS}` };
    }
    const last = recent[n - 1] ?? Number.NaN;
    const unit = typicalStep(recent);
    const targets = Float64Array.from(known, (_, i) => {
      const t = WARM_UP + i;
      const step = ((recent[t + horizon] ?? 0) - (recent[t] ?? 0)) / horizon / unit;
      return Math.max(-4, Math.min(4, step));
    });
    const expected = boost(known, targets, OPTIONS)(features[n - 1] ?? new Float64Array());
    return Float64Array.from({ length: horizon }, (_, h) => last + (h + 1) * expected * unit);
  },
};

function typicalStep(logs: Float64Array): number {
  let sum = 0;
  for (let i = 1; i < logs.length; i++) sum += Math.abs((logs[i] ?? 0) - (logs[i - 1] ?? 0));
  return sum / Math.max(1, logs.length - 1) || 1;
}
