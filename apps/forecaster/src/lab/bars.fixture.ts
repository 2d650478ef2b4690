/** Bars for tests of the lab. */
import { type LiveBar } from '@tapecast/contracts/bar';
import { LabSettings } from '@tapecast/contracts/lab';
import { randomWalk } from '../models/random-walk.fixture.ts';
import { type LabBars } from './features.ts';
import { columnsOf } from './read-bars.ts';

const DAY = 86_400;
export const START = Date.UTC(2015, 0, 1) / 1_000;
export const dayKey = (index: number): number => START + index * DAY;

/** Opens at the close before; a tenth of a percent of range around both. */
export function barsOf(closes: readonly number[]): LabBars {
  const bars = closes.map((close, i): LiveBar => {
    const open = closes[i - 1] ?? close;
    return [
      dayKey(i) as LiveBar[0],
      open,
      1.001 * Math.max(open, close),
      0.999 * Math.min(open, close),
      close,
      1_000 + (i % 7),
    ];
  });
  return columnsOf(bars, 'UTC');
}

export const walkBars = (count: number, seed: number): LabBars => barsOf(randomWalk({ bars: count, seed }));

export function settingsOf(more: Partial<Record<keyof LabSettings, unknown>> = {}): LabSettings {
  return LabSettings.parse({
    ...{ ticker: 'TEST', resolution: '1d', model: 'ridge', features: ['returns', 'rsi'], tuning: false, horizon: 1 },
    ...{ split: dayKey(400), folds: 3, strategy: 'long-only', costBps: 10, bars: 1_000 },
    ...more,
  });
}

export const quiet = async (): Promise<void> => {};
