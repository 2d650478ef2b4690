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

/** Index of the first bar that is not the same in both lists; their length where all are. */
export function firstDifference(before: readonly LiveBar[], after: readonly LiveBar[]): number {
  const shorter = Math.min(before.length, after.length);
  let index = 0;
  while (index < shorter && before[index] === after[index]) index += 1;
  return index;
}
