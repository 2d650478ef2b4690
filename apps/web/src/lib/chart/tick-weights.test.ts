import { describe, expect, it } from 'vitest';
import { tickWeight, utcOffset } from './tick-weights.ts';

const at = (text: string) => Date.parse(text) / 1_000;
const newYork = () => -5 * 3_600;

describe('tickWeight', () => {
  it('finds midnight where the viewer sits', () => {
    const [before, after] = [at('2026-11-20T04:59:00Z'), at('2026-11-20T05:00:00Z')];
    expect(tickWeight(after, before, newYork)).toBe(50);
    expect(tickWeight(after, before, utcOffset)).toBe(30);
  });

  it('weighs larger steps of the calendar more', () => {
    const steps = ['2026-12-31T23:58Z', '2026-12-31T23:59Z', '2027-01-01T00:00Z'].map(at) as [number, number, number];
    expect(tickWeight(steps[1], steps[0], utcOffset)).toBe(20);
    expect(tickWeight(steps[2], steps[1], utcOffset)).toBe(70);
    expect(tickWeight(at('2026-12-01'), at('2026-11-30'), utcOffset)).toBe(60);
  });

  it('keeps rising time through a clock change', () => {
    // 01:59 summer time is followed by 01:00 winter time.
    const change = at('2026-11-01T06:00:00Z');
    const offset = (time: number) => (time < change ? -4 : -5) * 3_600;
    expect(tickWeight(change, change - 60, offset)).toBe(30);
  });
});
