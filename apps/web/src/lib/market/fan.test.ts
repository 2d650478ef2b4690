import type { LiveBar } from '@tapecast/contracts/bar';
import { Forecast } from '@tapecast/contracts/forecast';
import { unixSeconds } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { anchorOf, fanOf, openFan, shapeFan } from './fan.ts';

const forecast = Forecast.parse({
  ticker: 'MSFT',
  resolution: '1h',
  model: 'drift',
  madeAt: 7_200,
  source: 'yahoo',
  quantiles: [0.025, 0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.975],
  points: [
    [7_200, 1, 2, 3, 4, 5, 6, 7, 8, 9],
    [10_800, 0, 1, 2, 3, 5, 7, 8, 9, 10],
  ],
});
const bars: LiveBar[] = [0, 3_600, 7_200].map((time, index) => [unixSeconds(time), 5, 5, 5, 5 + index, null]);

describe('the fan', () => {
  it('takes the 5, 25, 50, 75 and 95 % levels', () => {
    expect(fanOf(forecast)[0]).toEqual({ time: 7_200, low90: 2, low50: 4, median: 5, high50: 6, high90: 8 });
  });

  it('is empty where a level is missing', () => {
    expect(fanOf({ ...forecast, quantiles: [0.1, 0.5, 0.9], points: [[unixSeconds(7_200), 1, 2, 3]] })).toEqual([]);
  });

  it('opens from the last close that the model knew, not from the bar under way', () => {
    expect(openFan(forecast, anchorOf(forecast, bars))[0]).toMatchObject({ time: 3_600, low90: 6, high90: 6 });
    expect(openFan(forecast, anchorOf(forecast, bars))).toHaveLength(3);
    expect(openFan(forecast, anchorOf(forecast, []))).toHaveLength(2);
  });

  it('closes each band and leaves out what cannot be placed', () => {
    const shape = shapeFan(
      fanOf(forecast),
      (time) => time / 3_600,
      (price) => -price,
    );
    expect(shape.band90).toEqual([
      [2, -2],
      [3, -1],
      [3, -9],
      [2, -8],
    ]);
    expect(shape.median).toEqual([
      [2, -5],
      [3, -5],
    ]);
    expect(shapeFan(fanOf(forecast), () => null, Number).band50).toEqual([]);
  });
});
