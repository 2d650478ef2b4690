import { Forecast, QUANTILE_LEVELS } from '@tapecast/contracts/forecast';
import { unixSeconds } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { knowledgeWords, milestones, openTargets, rangeSentence, targetWords } from './forecast-words.ts';

const at = (text: string) => Date.parse(text) / 1_000;
const values = [400, 402.1, 404, 407, 410.5, 414, 417, 419.8, 422];
const zones = { exchange: 'America/New_York', viewer: 'Europe/Berlin' };

function forecast(resolution: '1h' | '1d', times: string[]) {
  return Forecast.parse({
    ticker: 'MSFT',
    resolution,
    model: 'drift',
    madeAt: at('2026-11-18T21:00:00Z'),
    source: 'yahoo',
    quantiles: QUANTILE_LEVELS,
    points: times.map((time) => [at(time), ...values]),
  });
}

describe('rangeSentence', () => {
  it('says the 90 % band, its odds and its target', () => {
    const daily = forecast('1d', ['2026-11-20']);
    const now = at('2026-11-18T22:00:00Z');
    const [point] = openTargets(daily, { now, ...zones });
    if (point === undefined) throw new Error('the target has not closed');
    expect(rangeSentence(daily, point, 2, { now, ...zones })).toBe(
      'MSFT will likely (9 in 10) be between 402.10 and 419.80 at Friday’s close.',
    );
  });
});

describe('knowledgeWords', () => {
  it('name the session or the hour that was the last to be known', () => {
    const now = at('2026-11-19T10:00:00Z');
    expect(knowledgeWords(forecast('1d', []), { now, ...zones })).toBe('prices up to the close of Wed 18 Nov');
    expect(knowledgeWords(forecast('1h', []), { now, ...zones })).toBe('prices up to Wed 18 Nov 22:00');
    const midnight = { ...forecast('1d', []), madeAt: unixSeconds(at('2026-11-19')) };
    expect(knowledgeWords(midnight, { now, exchange: 'UTC' })).toBe('prices up to the close of Wed 18 Nov');
  });
});

describe('targets', () => {
  it('of days are named by the date at the exchange', () => {
    const key = at('2026-11-20');
    // 02:00Z on Friday is still Thursday in New York.
    expect(targetWords(key, '1d', { now: at('2026-11-20T02:00:00Z'), ...zones })).toBe('tomorrow’s close');
    expect(targetWords(key, '1d', { now: at('2026-11-20T15:00:00Z'), ...zones })).toBe('today’s close');
    expect(targetWords(at('2026-12-18'), '1d', { now: at('2026-11-20T15:00:00Z'), ...zones })).toBe(
      'the close of Fri 18 Dec',
    );
  });

  it('of hours are named by their end in the zone of the viewer', () => {
    const now = at('2026-11-20T15:10:00Z');
    expect(targetWords(at('2026-11-20T15:30:00Z'), '1h', { now, ...zones })).toBe('17:30');
    expect(targetWords(at('2026-11-23T14:30:00Z'), '1h', { now, ...zones })).toBe('Mon 16:30');
  });

  it('that have closed are not told as forecasts', () => {
    const hourly = forecast('1h', ['2026-11-20T14:30:00Z', '2026-11-20T15:30:00Z']);
    expect(openTargets(hourly, { now: at('2026-11-20T15:31:00Z'), ...zones }).map((point) => point.time)).toEqual([
      at('2026-11-20T15:30:00Z'),
    ]);
    expect(openTargets(forecast('1d', ['2026-11-19']), { now: at('2026-11-20T15:00:00Z'), ...zones })).toEqual([]);
  });

  it('of a day whose session is over are told no more, although the date is still today', () => {
    const daily = forecast('1d', ['2026-11-20', '2026-11-23']);
    const evening = { now: at('2026-11-20T23:00:00Z'), ...zones };
    expect(openTargets(daily, evening)).toHaveLength(2);
    expect(openTargets(daily, { ...evening, closedSince: at('2026-11-20T21:00:00Z') })).toHaveLength(1);
  });

  it('are told from the next to the last', () => {
    const points = openTargets(
      forecast(
        '1d',
        Array.from({ length: 20 }, (_, day) => `2026-12-${String(day + 1).padStart(2, '0')}`),
      ),
      { now: at('2026-11-20T15:00:00Z'), ...zones },
    );
    expect(milestones(points).map((point) => new Date(point.time * 1_000).getUTCDate())).toEqual([1, 6, 11, 20]);
    expect(milestones(points.slice(0, 2))).toHaveLength(2);
  });
});
