import { describe, expect, it } from 'vitest';
import { barTime, cityOf, clock, dateKey, duration, moment } from './times.ts';

const at = (text: string) => Date.parse(text) / 1_000;

describe('times', () => {
  it('are told in the zone that is asked for', () => {
    expect(clock(at('2026-11-20T14:03:20Z'), 'Europe/Berlin')).toBe('15:03:20');
    expect(clock(at('2026-11-20T00:00:00Z'), 'UTC')).toBe('00:00:00');
  });

  it('name the day when it is not today', () => {
    const now = at('2026-11-21T12:00:00Z');
    expect(moment(at('2026-11-21T09:00:01Z'), now, 'UTC')).toBe('09:00:01');
    expect(moment(at('2026-11-20T21:00:00Z'), now, 'UTC')).toBe('Fri 21:00');
    expect(moment(at('2026-10-02T21:00:00Z'), now, 'UTC')).toBe('Fri 2 Oct 21:00');
  });

  it('keep the date of a daily bar in every zone', () => {
    const key = at('2026-11-20T00:00:00Z');
    expect(barTime(key, '1d', 'America/New_York')).toBe('Fri 20 Nov 2026');
    expect(barTime(at('2026-11-20T14:30:00Z'), '1h', 'America/New_York')).toBe('Fri 20 Nov 09:30');
  });

  it('find the key of a date in the zone of the exchange', () => {
    expect(dateKey(at('2026-11-21T02:00:00Z'), 'America/New_York')).toBe(at('2026-11-20T00:00:00Z'));
    expect(dateKey(at('2026-11-20T22:00:00Z'), 'Asia/Tokyo')).toBe(at('2026-11-21T00:00:00Z'));
  });

  it('are short', () => {
    expect(duration(8.4)).toBe('8 s');
    expect(duration(900)).toBe('15 min');
    expect(duration(5 * 86_400)).toBe('5 d');
    expect(cityOf('America/New_York')).toBe('New York');
  });
});
