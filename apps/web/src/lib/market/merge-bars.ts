/** The held bars of a series: rising by time, one per time. Bars are compared by identity, so an unchanged one keeps its own. */
import type { Bar, LiveBar } from '@tapecast/contracts/bar';

/** A withdrawn bar is told by its nulls. */
function isHeld(bar: Bar): bar is LiveBar {
  return bar[4] !== null;
}

/** New list with each changed bar in its newest state; withdrawn ones are gone. */
export function mergeBars(held: readonly LiveBar[], changes: readonly Bar[]): LiveBar[] {
  const only = changes.length === 1 ? changes[0] : undefined;
  const last = held.at(-1);
  if (only !== undefined && last !== undefined && isHeld(only) && only[0] >= last[0]) {
    return [...(only[0] === last[0] ? held.slice(0, -1) : held), only];
  }
  const byTime = new Map<number, Bar>(held.map((bar) => [bar[0], bar]));
  for (const bar of changes) byTime.set(bar[0], bar);
  return [...byTime.values()].filter(isHeld).sort((a, b) => a[0] - b[0]);
}

/**
 * Index in `after` from which on it only goes on where `before` ends: with a newer state of its last bar, or with later ones.
 * Their common length where nothing changed; null where bars came, went or changed before that, and all are to be drawn anew.
 */
export function grownFrom(before: readonly LiveBar[], after: readonly LiveBar[]): number | null {
  let index = 0;
  while (index < before.length && before[index] === after[index]) index += 1;
  if (index === before.length) return index;
  const isLastAnew = index === before.length - 1 && before[index]?.[0] === after[index]?.[0];
  return isLastAnew ? index : null;
}
