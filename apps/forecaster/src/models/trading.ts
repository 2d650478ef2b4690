/** Highs, lows and volumes beside the prepared closes, wherever they are known and make sense. */
import { type ForecastInput } from './model.ts';

/** What is known of the bars beside their closes, one value for each; no value is NaN. */
export interface Trading {
  /** Logarithms of the highest and the lowest price; the close where they are unknown. */
  highs: Float64Array;
  lows: Float64Array;
  /** 0 where unknown. */
  volumes: Float64Array;
}

/** @param logs closes as `prepareSeries` gave them: the last `logs.length` bars of the input */
export function prepareTrading(input: ForecastInput, logs: Float64Array): Trading {
  const skipped = input.closes.length - logs.length;
  const read = (values: ArrayLike<number> | undefined, i: number): number => values?.[skipped + i] ?? Number.NaN;
  return {
    highs: logs.map((close, i) => {
      const high = Math.log(read(input.highs, i));
      return Number.isFinite(high) ? Math.max(high, close) : close;
    }),
    lows: logs.map((close, i) => {
      const low = Math.log(read(input.lows, i));
      return Number.isFinite(low) ? Math.min(low, close) : close;
    }),
    volumes: logs.map((_, i) => {
      const volume = read(input.volumes, i);
      return volume > 0 && Number.isFinite(volume) ? volume : 0;
    }),
  };
}
