import { Ticker } from '@tapecast/contracts/ticker';
import { describe, expect, it } from 'vitest';
import { sharesOf } from './queue-schedule.ts';

const tickers = (count: number) => Array.from({ length: count }, (_, index) => Ticker.parse(`T${index}`));

describe('shares', () => {
  it.each([0, 1, 199, 200, 201, 1_999, 2_000, 2_001])('of %i tickers hold each of them once, 200 at most', (count) => {
    const shares = sharesOf(tickers(count), 7);
    expect(shares.flatMap((share) => share.tickers).toSorted()).toEqual(tickers(count).toSorted());
    expect(Math.max(0, ...shares.map((share) => share.tickers.length))).toBeLessThanOrEqual(200);
    expect(shares).toHaveLength(Math.ceil(count / 200));
  });

  it('are the same whatever the order of the tickers, and begin elsewhere each cycle', () => {
    const [one, other] = [sharesOf(tickers(600), 3), sharesOf(tickers(600).toReversed(), 3)];
    expect(one).toEqual(other);
    expect([0, 1, 2, 3].map((cycle) => sharesOf(tickers(600), cycle)[0]?.share)).toEqual([0, 1, 2, 0]);
  });
});
