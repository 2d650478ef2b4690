import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseKept } from './retention.ts';
import { DEFAULT_KEEP, KeepRule } from './settings.ts';

const day = (text: string) => ({ madeAt: new Date(`${text}T03:15:00Z`) });
const kept = (archives: { madeAt: Date }[], rule: string) =>
  [...chooseKept(archives, KeepRule.parse(rule))].map(({ madeAt }) => madeAt.toISOString().slice(0, 10)).toSorted();

describe('what is kept', () => {
  it('the newest of each of the last days, weeks and months', () => {
    const archives = Array.from({ length: 120 }, (_, n) => ({ madeAt: new Date(Date.UTC(2026, 10, 26 - n, 3, 15)) }));
    expect(kept(archives, 'daily:3,weekly:3,monthly:4')).toEqual([
      '2026-08-31',
      '2026-09-30',
      '2026-10-31',
      '2026-11-15', // the Sundays that end the last whole weeks
      '2026-11-22',
      '2026-11-24',
      '2026-11-25',
      '2026-11-26',
    ]);
  });

  it('days without a backup do not count', () => {
    expect(kept([day('2026-11-26'), day('2026-11-01'), day('2026-10-05'), day('2026-09-01')], 'daily:3')).toEqual([
      '2026-10-05',
      '2026-11-01',
      '2026-11-26',
    ]);
  });

  it('always the newest, never one more for fewer rules', () => {
    const times = fc.array(fc.date({ min: new Date('2020-01-01'), max: new Date('2027-01-01'), noInvalidDate: true }), {
      minLength: 1,
    });
    fc.assert(
      fc.property(times, fc.nat(10), fc.nat(10), (dates, daily, weekly) => {
        const archives = dates.map((madeAt) => ({ madeAt }));
        const both = chooseKept(archives, { daily, weekly });
        const newest = Math.max(...dates.map((date) => date.getTime()));
        expect([...both].some(({ madeAt }) => madeAt.getTime() === newest)).toBe(true);
        expect(both.size).toBeLessThanOrEqual(Math.max(1, daily + weekly));
        for (const archive of chooseKept(archives, { daily })) expect(both).toContain(archive);
      }),
    );
  });

  it('a rule that cannot be read says how one looks', () => {
    expect(KeepRule.safeParse(DEFAULT_KEEP).success).toBe(true);
    for (const wrong of ['7', 'daily', 'daily:-1', 'fortnightly:2', 'daily:7;weekly:4', '']) {
      expect(KeepRule.safeParse(wrong).error?.issues[0]?.message).toContain(DEFAULT_KEEP);
    }
  });
});
