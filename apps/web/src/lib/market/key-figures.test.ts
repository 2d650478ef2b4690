import type { LiveBar } from '@tapecast/contracts/bar';
import { unixSeconds } from '@tapecast/contracts/units';
import { describe, expect, it } from 'vitest';
import { keyFigures } from './key-figures.ts';

const day = (index: number, price: number, volume: number | null): LiveBar => [
  unixSeconds(index * 86_400),
  price,
  price + 1,
  price - 1,
  price,
  volume,
];

describe('keyFigures', () => {
  it('looks back a year and no further', () => {
    const days = [day(0, 1, 1), day(36, 50, 1), day(400, 70, 1)];
    expect(keyFigures(days)).toMatchObject({ yearLow: 49, yearHigh: 71 });
  });

  it('leaves the day under way out of the mean volume', () => {
    expect(keyFigures([day(1, 5, 100), day(2, 5, 300), day(3, 5, 9)])?.averageVolume).toBe(200);
    expect(keyFigures([day(1, 5, null), day(2, 5, null)])?.averageVolume).toBeNull();
    expect(keyFigures([])).toBeNull();
  });
});
