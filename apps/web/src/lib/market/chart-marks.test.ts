import type { BarRepair } from '@tapecast/contracts/actions';
import type { LiveBar } from '@tapecast/contracts/bar';
import { unixSeconds } from '@tapecast/contracts/units';
import { expect, it } from 'vitest';
import { chartMarks } from './chart-marks.ts';

const at = (iso: string) => unixSeconds(Date.parse(iso) / 1_000);
const bar = (iso: string): LiveBar => [at(iso), 1, 1, 1, 1, null];
const SPLIT = { kind: 'split', exDate: at('2020-08-31T00:00:00Z'), numerator: 4, denominator: 1 } as const;
const marksOn = (bars: LiveBar[], resolution: '1h' | '1d' | '1w' | '5m', zone = 'America/New_York') =>
  chartMarks(bars, resolution, zone, { actions: [SPLIT], repairs: [] }).map(({ time, text }) => [time, text]);

it('marks the first bar of the exchange’s ex-date', () => {
  const days = [bar('2020-08-28T00:00:00Z'), bar('2020-08-31T00:00:00Z'), bar('2020-09-01T00:00:00Z')];
  expect(marksOn(days, '1d')).toEqual([[at('2020-08-31T00:00:00Z'), 'S']]);
  const hours = [bar('2020-08-28T19:30:00Z'), bar('2020-08-31T13:30:00Z'), bar('2020-08-31T14:30:00Z')];
  expect(marksOn(hours, '1h')).toEqual([[at('2020-08-31T13:30:00Z'), 'S']]);
  // In Tokyo the day begins before midnight in UTC.
  const morning = bar('2020-08-30T23:30:00Z');
  expect(marksOn([bar('2020-08-28T05:00:00Z'), morning], '1h', 'Asia/Tokyo')).toEqual([[morning[0], 'S']]);
  expect(marksOn([bar('2020-08-28T05:00:00Z'), morning], '1h')).toEqual([]);
  expect(marksOn([bar('2020-08-24T00:00:00Z'), bar('2020-08-31T00:00:00Z')], '1w')).toEqual([
    [at('2020-08-31T00:00:00Z'), 'S'],
  ]);
});

it('marks nothing outside of the bars', () => {
  expect(marksOn([], '1d')).toEqual([]);
  expect(marksOn([bar('2020-09-02T00:00:00Z')], '1d')).toEqual([]);
  expect(marksOn([bar('2020-08-27T00:00:00Z')], '1d')).toEqual([]);
});

it('marks a bad minute on the bar that holds it, and not in other resolutions', () => {
  const repair: BarRepair = {
    id: 1,
    resolution: '1m',
    time: at('2020-08-31T13:33:00Z'),
    rule: 'spike',
    state: 'flagged',
    reason: '',
    old: [1, 1, 1, 1],
    new: null,
    foundAt: at('2020-08-31T13:40:00Z'),
  };
  const told = { actions: [], repairs: [repair] };
  const bars = [bar('2020-08-31T13:30:00Z'), bar('2020-08-31T13:35:00Z')];
  expect(chartMarks(bars, '5m', 'UTC', told)).toEqual([{ time: bars[0]?.[0], kind: 'flagged', text: '?' }]);
  expect(chartMarks(bars, '1h', 'UTC', told)).toEqual([]);
});
