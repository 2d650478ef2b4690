import { FORECAST_HORIZONS } from '@tapecast/contracts/resolution';
import { BACKTEST } from '@tapecast/contracts/scores';
import { unixSeconds } from '@tapecast/contracts/units';
import { expect, it } from 'vitest';
import { backtestMoments } from './backtest.ts';
import { newestKeyAt } from './closed-bar.ts';
import { at, NEW_YORK, sessionHours, workdays } from './exchanges.fixture.ts';

const { origins, spacing } = BACKTEST['1d'];
const DAYS = workdays('2024-01-01', '2026-11-20').map(unixSeconds);

it('every target of a moment has closed, and moments are as far apart as told', () => {
  const moments = backtestMoments(NEW_YORK, '1d', DAYS);
  expect(moments).toHaveLength(origins);
  const indexes = moments.map((moment) => DAYS.indexOf(newestKeyAt(NEW_YORK, '1d', moment)));
  expect(indexes[0]).toBe(DAYS.length - 2 - FORECAST_HORIZONS['1d']);
  expect(indexes.slice(1).every((index, k) => index === (indexes[k] ?? 0) - spacing)).toBe(true);
});

it('a moment is the close of its bar', () => {
  const hours = sessionHours(NEW_YORK, '2026-09-01', '2026-11-20').map(unixSeconds);
  for (const moment of backtestMoments(NEW_YORK, '1h', hours)) {
    const bar = hours.findLast((key) => key <= newestKeyAt(NEW_YORK, '1h', moment)) ?? 0;
    expect(moment - bar).toBeLessThanOrEqual(3_600);
    expect(moment).toBeGreaterThan(bar);
  }
});

it('a short history gives as many as it has, or none', () => {
  const short = backtestMoments(NEW_YORK, '1d', DAYS.slice(0, 80));
  expect(short.length).toBeGreaterThan(0);
  expect(short.length).toBeLessThan(origins);
  expect(Math.min(...short)).toBeGreaterThan(at('2024-01-02T00:00:00Z'));
  expect(backtestMoments(NEW_YORK, '1d', DAYS.slice(0, 30))).toEqual([]);
});
