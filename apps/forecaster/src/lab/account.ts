/**
 * What an account would have done. A decision at a bar's close is carried out at the next bar's open, the first price that
 * could have been had; the account is valued at each close and sold out at the last one.
 */
import { type LabAccount, type LabStrategy, type LabTrade } from '@tapecast/contracts/lab';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { type LabBars } from './features.ts';

export type Position = 1 | 0 | -1;

export interface Walk {
  /** Value at the close of each bar from `first` on; 1 at `first`, where nothing is held yet. */
  equity: number[];
  /** Change of the logarithm from close to close; one less than values. */
  logReturns: number[];
  trades: LabTrade[];
  /** Bars with a position. */
  exposed: number;
  costs: number;
}

/** An account that lost everything stays there. */
const BANKRUPT = 1e-9;

export function positionOf(probability: number, strategy: LabStrategy): Position {
  if (probability > 0.5) return 1;
  return probability < 0.5 && strategy === 'long-short' ? -1 : 0;
}

/**
 * @param options.decide the position wanted after the close of a bar; asked at `first` and every `every` bars from there
 * @param options.cost share of what is traded, for each trade; turning from long to short trades twice
 */
export function walkAccount(
  bars: LabBars,
  options: { first: number; every: number; cost: number; decide(t: number): Position },
): Walk {
  const { first, every, cost, decide } = options;
  const { times, opens, closes } = bars;
  const walk: Walk = { equity: [1], logReturns: [], trades: [], exposed: 0, costs: 0 };
  let position: Position = 0;
  let value = 1;
  const trade = (to: Position, time: number, price: number): void => {
    const share = Math.abs(to - position) * cost;
    walk.costs += share;
    value *= 1 - share;
    walk.trades.push({ time: time as UnixSeconds, side: to > position ? 'buy' : 'sell', price, position: to });
    position = to;
  };
  for (let t = first + 1; t < closes.length; t++) {
    const [before, open, close] = [closes[t - 1] ?? 0, opens[t] ?? 0, closes[t] ?? 0];
    value *= 1 + position * (open / before - 1);
    if ((t - 1 - first) % every === 0) {
      const wanted = decide(t - 1);
      if (wanted !== position) trade(wanted, times[t] ?? 0, open);
    }
    value *= 1 + position * (close / open - 1);
    if (position !== 0) walk.exposed += 1;
    if (t === closes.length - 1 && position !== 0) trade(0, times[t] ?? 0, close);
    value = Math.max(BANKRUPT, value);
    walk.logReturns.push(Math.log(value / (walk.equity.at(-1) ?? 1)));
    walk.equity.push(value);
  }
  return walk;
}

export function drawdownOf(equity: readonly number[]): number[] {
  let peak = 0;
  return equity.map((value) => {
    peak = Math.max(peak, value);
    return value / peak - 1;
  });
}

/** @param barsPerYear as they come in this series */
export function summarise(walk: Walk, barsPerYear: number): LabAccount {
  const { equity, logReturns, trades, exposed, costs } = walk;
  const n = Math.max(1, logReturns.length);
  const last = equity.at(-1) ?? 1;
  const mean = logReturns.reduce((sum, each) => sum + each, 0) / n;
  const variance = logReturns.reduce((sum, each) => sum + (each - mean) ** 2, 0) / Math.max(1, n - 1);
  const annualVolatility = Math.sqrt(variance * barsPerYear);
  return {
    totalReturn: last - 1,
    annualReturn: Math.exp(mean * barsPerYear) - 1,
    annualVolatility,
    sharpe: annualVolatility > 1e-12 ? (mean * barsPerYear) / annualVolatility : null,
    maxDrawdown: Math.min(0, ...drawdownOf(equity)),
    trades: trades.length,
    exposure: exposed / n,
    costs,
  };
}
