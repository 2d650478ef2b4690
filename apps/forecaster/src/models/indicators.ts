/** What a chartist would look at, one row of numbers a bar, free of the price's unit. Each row knows its bar and earlier ones. */
import { ATR, CCI, EMA, MACD, RSI } from 'trading-signals';
import { type Trading } from './trading.ts';

export const INDICATOR_NAMES = [
  'return-1',
  'return-2',
  'return-3',
  'return-5',
  'return-10',
  'return-20',
  'rsi-14',
  'macd',
  'cci-20',
  'atr-14',
  'atr-ratio',
  'volume',
  'volume-trend',
] as const;

const LAGS = [1, 2, 3, 5, 10, 20];
const CALM = 1e-12;

/** @returns one row a bar, in the order of `INDICATOR_NAMES` */
export function indicatorRows(logs: Float64Array, trading?: Trading): Float64Array[] {
  const rsi = new RSI(14);
  const macd = new MACD(new EMA(12), new EMA(26), new EMA(9));
  const cci = new CCI(20);
  const atr = new ATR(14);
  const slowAtr = new ATR(60);
  const origin = logs[0] ?? 0;
  // Relative to the first bar: the library then never sees prices of 1e-9 or 1e9.
  const price = (log: number | undefined): number => Math.exp(Math.max(-300, Math.min(300, (log ?? origin) - origin)));
  let [usual, lately] = [Number.NaN, Number.NaN];

  return Array.from(logs, (log, t) => {
    const close = price(log);
    const candle = { close, high: price(trading?.highs[t] ?? log), low: price(trading?.lows[t] ?? log) };
    rsi.add(close);
    macd.add(close);
    cci.add(candle);
    atr.add(candle);
    slowAtr.add(candle);
    const range = (atr.getResult() ?? 0) / close;
    const slowRange = (slowAtr.getResult() ?? 0) / close;
    const size = Math.log1p(trading?.volumes[t] ?? 0);
    usual = Number.isNaN(usual) ? size : usual + (size - usual) / 40;
    lately = Number.isNaN(lately) ? size : lately + (size - lately) / 5;
    const returns = LAGS.map((lag) => (t >= lag ? log - (logs[t - lag] ?? log) : 0) / Math.max(range, CALM));
    return Float64Array.from([
      ...returns,
      rsi.getResult() ?? 50,
      (macd.getResult()?.histogram ?? 0) / Math.max(range * close, CALM),
      cci.getResult() ?? 0,
      range,
      range / Math.max(slowRange, CALM),
      size - usual,
      lately - usual,
    ]).map((value) => (Number.isFinite(value) ? value : 0));
  });
}
