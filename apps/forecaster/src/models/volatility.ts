/**
 * How far the price may be expected to move from a given bar on, judged by nothing later than that bar: recent
 * volatility, drawn towards its long-run level with distance, times what the hour (or weekday) usually adds.
 * Residuals divided by this scale are alike enough to learn one shape from.
 */

const HALF_LIFE_BARS = 30;
const REVERSION_BARS = 60;
const FEWEST_CYCLES = 12;
const PHASE_PRIOR = 5;
/** Larger steps (splits, bad ticks) count as this many typical ones. */
const LARGEST_STEP = 8;

export interface Volatility {
  /** Expected size of the move over the next 1…horizon bars after bar `origin`; always above zero. */
  scalesAt(origin: number, horizon: number): Float64Array;
}

export function measureVolatility(logs: Float64Array, season: readonly number[]): Volatility {
  const steps = boundedSteps(logs);
  const period = season.find((bars) => bars >= 2 && bars * FEWEST_CYCLES <= steps.length) ?? 1;
  const profile = phaseProfile(steps, period);
  const recent = new Float64Array(logs.length);
  const longRun = new Float64Array(logs.length);
  const keep = 0.5 ** (1 / HALF_LIFE_BARS);
  const overall = mean(steps.subarray(1).map((step) => step * step)) || Number.MIN_VALUE;
  // Starts at the level of the whole series with the weight of a few bars: the first bars alone say nothing yet.
  let [ewma, sum, count] = [overall, overall * PHASE_PRIOR, PHASE_PRIOR];
  for (let i = 0; i < logs.length; i++) {
    if (i > 0) {
      const square = (steps[i] ?? 0) ** 2 / (profile[i % period] ?? 1);
      ewma = keep * ewma + (1 - keep) * square;
      sum += square;
      count += 1;
    }
    recent[i] = ewma;
    longRun[i] = sum / count;
  }
  const reversion = 0.5 ** (1 / REVERSION_BARS);

  /** Every model asks for the same few origins. */
  const told = new Map<number, Float64Array>();

  function scalesAt(origin: number, horizon: number): Float64Array {
    const known = told.get(origin);
    if (known !== undefined && known.length >= horizon) return known.subarray(0, horizon);
    const level = longRun[origin] ?? overall;
    let excess = (recent[origin] ?? level) - level;
    let variance = 0;
    const scales = new Float64Array(horizon);
    for (let h = 0; h < horizon; h++) {
      variance += (level + excess) * (profile[(origin + h + 1) % period] ?? 1);
      excess *= reversion;
      scales[h] = Math.sqrt(Math.max(variance, Number.MIN_VALUE));
    }
    told.set(origin, scales);
    return scales;
  }
  return { scalesAt };
}

/** Absolute change at each bar (0 at the first), outliers cut. */
function boundedSteps(logs: Float64Array): Float64Array {
  const steps = logs.map((log, i) => (i === 0 ? 0 : Math.abs(log - (logs[i - 1] ?? log))));
  const moving = steps.filter((step) => step > 0).sort();
  const typical = moving[moving.length >> 1] ?? 0;
  return steps.map((step) => Math.min(step, LARGEST_STEP * typical));
}

/** Variance of each phase of the season as a multiple of the average, drawn towards 1. */
function phaseProfile(steps: Float64Array, period: number): Float64Array {
  const sums = new Float64Array(period);
  const counts = new Float64Array(period);
  for (let i = 1; i < steps.length; i++) {
    const phase = i % period;
    sums[phase] = (sums[phase] ?? 0) + (steps[i] ?? 0) ** 2;
    counts[phase] = (counts[phase] ?? 0) + 1;
  }
  const average = mean(steps.subarray(1).map((step) => step * step)) || 1;
  const profile = sums.map((sum, phase) => (sum / average + PHASE_PRIOR) / ((counts[phase] ?? 0) + PHASE_PRIOR));
  const level = mean(profile);
  return profile.map((value) => value / level);
}

function mean(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return values.length === 0 ? 0 : sum / values.length;
}
