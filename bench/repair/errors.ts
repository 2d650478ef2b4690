/** Errors as vendors make them, planted into good bars. */
import { type RepairRule } from '@tapecast/contracts/actions';
import { type PriceRow } from '@tapecast/db/write-bars';
import { type Series } from './series.ts';

export interface PlantedError {
  kind: string;
  /** Whether the true prices can be known again, or the bar can only be marked. */
  repairable: boolean;
  rules: readonly RepairRule[];
  /** @returns null where the series has no place for it */
  plant(series: Series, at: number): Series | null;
}

const times = (row: PriceRow, factor: number): PriceRow => ({
  ...row,
  open: row.open * factor,
  high: row.high * factor,
  low: row.low * factor,
  close: row.close * factor,
});

function changed(series: Series, from: number, to: number, change: (row: PriceRow) => PriceRow): Series {
  return { ...series, bars: series.bars.map((row, index) => (index >= from && index < to ? change(row) : row)) };
}

const SPLIT_BARS = 3;
function beforeSplit(series: Series, at: number, power: 1 | -1): Series | null {
  const split = series.splits.find(({ time }) => time > (series.bars[at + SPLIT_BARS]?.time ?? Infinity));
  if (split === undefined) return null;
  return changed(series, at, at + SPLIT_BARS, (row) => times(row, split.ratio ** power));
}

function atSplit(series: Series, at: number, power: 1 | -1): Series | null {
  const split = series.splits[at % Math.max(1, series.splits.length)];
  const end = series.bars.findIndex(({ time }) => time >= (split?.time ?? Infinity));
  if (split === undefined || end < 20) return null;
  return changed(series, 0, end, (row) => times(row, split.ratio ** power));
}

const spiked = (row: PriceRow, factor: number, part: 'close' | 'high' | 'low'): PriceRow => {
  const value = row[part] * factor;
  return { ...row, [part]: value, high: Math.max(row.high, value), low: Math.min(row.low, value) };
};

export const ERRORS: readonly PlantedError[] = [
  {
    kind: '100 times too high',
    repairable: true,
    rules: ['unit'],
    plant: (s, at) => changed(s, at, at + 1, (row) => times(row, 100)),
  },
  {
    kind: '100 times too low',
    repairable: true,
    rules: ['unit'],
    plant: (s, at) => changed(s, at, at + 1, (row) => times(row, 0.01)),
  },
  {
    kind: '100 times, five bars',
    repairable: true,
    rules: ['unit'],
    plant: (s, at) => changed(s, at, at + 5, (row) => times(row, 100)),
  },
  {
    kind: 'high 100 times',
    repairable: true,
    rules: ['unit'],
    plant: (s, at) => changed(s, at, at + 1, (row) => ({ ...row, high: row.high * 100 })),
  },
  {
    kind: 'not split, three bars',
    repairable: true,
    rules: ['split_missing'],
    plant: (s, at) => beforeSplit(s, at, 1),
  },
  {
    kind: 'split twice, three bars',
    repairable: true,
    rules: ['split_doubled'],
    plant: (s, at) => beforeSplit(s, at, -1),
  },
  { kind: 'history not split', repairable: true, rules: ['split_missing'], plant: (s, at) => atSplit(s, at, 1) },
  { kind: 'history split twice', repairable: true, rules: ['split_doubled'], plant: (s, at) => atSplit(s, at, -1) },
  {
    kind: 'spike of the close, +80 %',
    repairable: false,
    rules: ['spike'],
    plant: (s, at) => changed(s, at, at + 1, (row) => spiked(row, 1.8, 'close')),
  },
  {
    kind: 'spike of the low, −50 %',
    repairable: false,
    rules: ['spike'],
    plant: (s, at) => changed(s, at, at + 1, (row) => spiked(row, 0.5, 'low')),
  },
  {
    kind: 'the bar before again',
    repairable: false,
    rules: ['duplicate'],
    plant: (s, at) => changed(s, at, at + 1, (row) => ({ ...(s.bars[at - 1] ?? row), time: row.time })),
  },
];
