/** Merges changes that follow each other; clients that wait for the same ones get the same result. */
import type { Bar } from '@tapecast/contracts/bar';
import type { BarsChange } from '@tapecast/contracts/socket';

export class ChangeMerger {
  /** By the first change: a run of one feed's changes is known by its first and its last. */
  readonly #runs = new WeakMap<BarsChange, { last: BarsChange; merged: BarsChange }>();

  /** @param changes of one series and epoch, without gaps, oldest first */
  merge(changes: readonly BarsChange[]): BarsChange {
    const first = changes[0];
    const last = changes.at(-1);
    if (first === undefined || last === undefined) throw new RangeError('there is nothing to merge');
    if (first === last) return first;
    const known = this.#runs.get(first);
    if (known?.last === last) return known.merged;
    const merged = newest(changes, first, last);
    this.#runs.set(first, { last, merged });
    return merged;
  }
}

function newest(changes: readonly BarsChange[], first: BarsChange, last: BarsChange): BarsChange {
  const byTime = new Map<number, Bar>();
  for (const { bars } of changes) for (const bar of bars) byTime.set(bar[0], bar);
  const bars = [...byTime.values()].sort((left, right) => left[0] - right[0]);
  return { ...last, prev: first.prev, bars };
}
