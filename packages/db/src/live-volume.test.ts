import fc from 'fast-check';
import { expect, it } from 'vitest';
import { markVolume, type VolumeMark, volumeSince } from './live-volume.ts';

it('of consecutive bars adds up to what the day gained since the first observation', () => {
  fc.assert(
    fc.property(
      fc.array(fc.record({ step: fc.nat(90), traded: fc.nat(1_000) }), { minLength: 2, maxLength: 60 }),
      (ticks) => {
        let time = 0;
        let dayVolume = 500;
        let previous: { mark: VolumeMark; day: number; dayVolume: number } | null = null;
        const volumes = new Map<number, number>();
        for (const { step, traded } of ticks) {
          time += step;
          dayVolume += traded;
          const mark = markVolume({ bar: Math.floor(time / 60), day: 0, dayVolume, previous });
          volumes.set(mark.bar, volumeSince(mark, dayVolume) ?? Number.NaN);
          previous = { mark, day: 0, dayVolume };
        }
        const total = [...volumes.values()].reduce((sum, volume) => sum + volume, 0);
        expect(total).toBe(dayVolume - 500 - (ticks[0]?.traded ?? 0));
      },
    ),
  );
});

it('is never negative, and unknown where the vendor tells none', () => {
  expect(volumeSince({ bar: 1, volumeAtStart: 100 }, 90)).toBe(0);
  expect(volumeSince({ bar: 1, volumeAtStart: 100 }, null)).toBeNull();
  expect(volumeSince({ bar: 1, volumeAtStart: null }, 90)).toBeNull();
});
