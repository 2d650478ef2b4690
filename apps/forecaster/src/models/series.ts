/** From closes as they come to logarithms that every model can work on, or the reason why not. */
import { type Refusal } from './model.ts';

export const FEWEST_BARS = 30;
const MOST_GAPS = 0.2;

export function prepareSeries(closes: ArrayLike<number>): Float64Array | Refusal {
  if (closes.length < FEWEST_BARS) {
    return { refused: 'short', message: `${closes.length} bars; a forecast needs at least ${FEWEST_BARS}` };
  }
  const logs = new Float64Array(closes.length);
  let gaps = 0;
  for (let i = 0; i < closes.length; i++) {
    const close = closes[i] ?? Number.NaN;
    if (close <= 0) return { refused: 'not-positive', message: `the close at position ${i} is ${close}` };
    const log = Math.log(close);
    if (Number.isFinite(log)) logs[i] = log;
    else {
      gaps += 1;
      logs[i] = i === 0 ? Number.NaN : (logs[i - 1] ?? Number.NaN);
    }
  }
  if (gaps > MOST_GAPS * closes.length) {
    return { refused: 'gappy', message: `${gaps} of ${closes.length} bars have no price` };
  }
  const known = logs.subarray(logs.findIndex(Number.isFinite));
  if (known.length < FEWEST_BARS) {
    return { refused: 'short', message: `${known.length} bars with a price; a forecast needs at least ${FEWEST_BARS}` };
  }
  const [first] = known;
  if (known.every((log) => log === first)) {
    return { refused: 'constant', message: `all ${known.length} closes are ${closes[closes.length - 1]}` };
  }
  return known;
}
