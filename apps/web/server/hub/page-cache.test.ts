import type { LiveBar } from '@tapecast/contracts/bar';
import { unixSeconds, type Epoch, type Revision } from '@tapecast/contracts/units';
import { expect, it } from 'vitest';
import { PageCache } from './page-cache.ts';

const epoch = 'e' as Epoch;
const at = (revision: number): Revision => revision as Revision;
const page = (revision: number, bars = 1) => ({
  epoch,
  revision: at(revision),
  bars: Array.from({ length: bars }, (_, minute): LiveBar => [unixSeconds(60 * minute), 1, 1, 1, 1, null]),
});

it('gives a page until its series has moved on or its epoch is over', () => {
  const cache = new PageCache();
  const kept = page(5);
  cache.put('a', kept);
  expect(cache.get('a', epoch, at(4))).toBe(kept);
  expect(cache.get('a', epoch, at(5))).toBe(kept);
  expect(cache.get('b', epoch, at(0))).toBeNull();
  expect(cache.get('a', epoch, at(6))).toBeNull();
  cache.put('a', kept);
  expect(cache.get('a', 'other' as Epoch, at(5))).toBeNull();
  expect(cache.bytes).toBe(0);
});

it('stays within its size, and drops what was not used for longest', () => {
  const cache = new PageCache(30_000);
  for (const key of ['a', 'b', 'c']) cache.put(key, page(1, 30));
  cache.get('a', epoch, at(1));
  cache.put('d', page(1, 30));
  expect(cache.bytes).toBeLessThanOrEqual(30_000);
  expect(cache.get('b', epoch, at(1))).toBeNull();
  expect(cache.get('a', epoch, at(1))).not.toBeNull();
  cache.put('huge', page(1, 10_000));
  expect(cache.bytes).toBeLessThanOrEqual(30_000);
});
