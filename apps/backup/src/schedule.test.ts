import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nextDue } from './schedule.ts';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const at = (text: string): number => Date.parse(`${text}:00Z`);
const QUARTER_PAST_THREE = 3.25 * HOUR;

describe('the next backup', () => {
  it('is due at once where there is none', () => {
    expect(nextDue(null, DAY, QUARTER_PAST_THREE)).toBe(0);
  });

  it('is due at the time of day, however late the last one was', () => {
    const due = at('2026-11-27T03:15');
    expect(nextDue(at('2026-11-26T03:15'), DAY, QUARTER_PAST_THREE)).toBe(due);
    expect(nextDue(at('2026-11-26T17:40'), DAY, QUARTER_PAST_THREE)).toBe(due);
    expect(nextDue(at('2026-11-27T03:14'), DAY, QUARTER_PAST_THREE)).toBe(due);
    expect(nextDue(at('2026-11-26T04:00'), 6 * HOUR, QUARTER_PAST_THREE)).toBe(at('2026-11-26T09:15'));
  });

  it('is after the last one, at most one period, on the beat', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 4e12 }),
        fc.integer({ min: 60_000, max: 30 * DAY }),
        fc.integer({ min: 0, max: DAY - 1 }),
        (last, every, offset) => {
          const due = nextDue(last, every, offset);
          expect(due).toBeGreaterThan(last);
          expect(due - last).toBeLessThanOrEqual(every);
          expect(Math.abs(due - offset) % every).toBe(0);
        },
      ),
    );
  });
});
