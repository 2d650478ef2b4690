import { unixSeconds } from '@tapecast/contracts/units';
import { expect, test } from 'vitest';
import { at, NEW_YORK, workdays } from './exchanges.fixture.ts';
import { planSeries } from './plan.ts';

const keys = workdays('2026-09-01', '2026-11-20').slice(-31);
const evening = at('2026-11-20T23:00:00Z');
const close = unixSeconds(at('2026-11-20T21:00:00Z'));

function series(forecastAt?: number) {
  const made = forecastAt === undefined ? undefined : unixSeconds(forecastAt);
  return { ticker: 'BRK-B', resolution: '1d' as const, exchange: NEW_YORK, watched: false, forecastAt: made };
}

test('a closed bar without a forecast is due, once', () => {
  const job = { ticker: 'BRK-B', resolution: '1d', madeAt: close };
  expect(planSeries(series(), keys, undefined, evening)).toEqual(job);
  expect(planSeries(series(at('2026-11-19T21:00:00Z')), keys, undefined, evening)).toEqual(job);
  expect(planSeries(series(close), keys, undefined, evening)).toBe('up to date');
});

test('a day that is still open adds nothing to the one before', () => {
  const noon = at('2026-11-20T17:00:00Z');
  expect(planSeries(series(at('2026-11-19T21:00:00Z')), keys, undefined, noon)).toBe('up to date');
});

test('a history that has hardly arrived is waited for', () => {
  expect(planSeries(series(), keys.slice(-29), undefined, evening)).toBe('too short');
  expect(planSeries(series(), [], undefined, evening)).toBe('too short');
});

test('a series that ends long ago is forecast once it has stopped growing', () => {
  const later = at('2027-01-20T23:00:00Z');
  expect(planSeries(series(), keys, undefined, later)).toBe('still arriving');
  expect(planSeries(series(), keys, keys.at(-2), later)).toBe('still arriving');
  expect(planSeries(series(), keys, keys.at(-1), later)).toMatchObject({ madeAt: close });
});
