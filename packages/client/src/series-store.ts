/** The bars of one series, rising by time. The usual change touches the last bar and costs no search. */
import type { Bar, LiveBar, WithdrawnBar } from '@tapecast/contracts/bar';

export class SeriesStore {
  #bars: LiveBar[] = [];
  /** Bars before this time are not held: a change there would stand alone beyond a hole. */
  #coveredFrom = Number.NEGATIVE_INFINITY;

  /** Rising. Later changes may show in the same array: copy it to keep it. */
  get bars(): readonly LiveBar[] {
    return this.#bars;
  }

  /** All bars of the series from this time on are held. */
  get coveredFrom(): number {
    return this.#coveredFrom;
  }

  /** True when nothing older is missing. */
  get complete(): boolean {
    return this.#coveredFrom === Number.NEGATIVE_INFINITY;
  }

  /** @param complete whether the series has no bars older than these */
  replace(bars: readonly Bar[], complete: boolean): void {
    this.#bars = bars.filter((bar) => !isWithdrawn(bar));
    this.#coveredFrom = complete ? Number.NEGATIVE_INFINITY : (bars[0]?.[0] ?? Number.NEGATIVE_INFINITY);
  }

  /** Takes newer states of bars; returns those that made a difference. */
  merge(changes: readonly Bar[]): Bar[] {
    return this.#take(changes, true);
  }

  /**
   * Takes a page of older bars that ends where the held ones begin.
   * @param newer whether the page's states win over held ones at the same time
   */
  prepend(page: readonly Bar[], newer: boolean, complete: boolean): void {
    const first = page[0]?.[0];
    if (complete) this.#coveredFrom = Number.NEGATIVE_INFINITY;
    else if (first !== undefined) this.#coveredFrom = Math.min(this.#coveredFrom, first);
    this.#take(page, newer);
  }

  #take(changes: readonly Bar[], newer: boolean): Bar[] {
    const last = this.#bars.at(-1);
    const only = changes.length === 1 ? changes[0] : undefined;
    if (only !== undefined && last !== undefined && only[0] >= last[0]) return this.#takeAtEnd(only, last, newer);
    return this.#takeAnywhere(changes, newer);
  }

  #takeAtEnd(bar: Bar, last: LiveBar, newer: boolean): Bar[] {
    const replaces = bar[0] === last[0];
    if (replaces && (!newer || same(last, bar))) return [];
    if (isWithdrawn(bar)) {
      if (!replaces) return [];
      this.#bars.pop();
      return [bar];
    }
    if (replaces) this.#bars[this.#bars.length - 1] = bar;
    else this.#bars.push(bar);
    return [bar];
  }

  /** One pass over both lists, whatever the number of changes. */
  #takeAnywhere(changes: readonly Bar[], newer: boolean): Bar[] {
    const incoming = latestByTime(changes.filter((bar) => bar[0] >= this.#coveredFrom));
    if (incoming.length === 0) return [];
    const merged: LiveBar[] = [];
    const effective: Bar[] = [];
    let index = 0;
    for (const bar of incoming) {
      for (let held = this.#bars[index]; held !== undefined && held[0] < bar[0]; held = this.#bars[++index]) {
        merged.push(held);
      }
      const held = this.#bars[index];
      const replaces = held !== undefined && held[0] === bar[0];
      if (replaces) index += 1;
      if (replaces && (!newer || same(held, bar))) merged.push(held);
      else if (!isWithdrawn(bar)) {
        merged.push(bar);
        effective.push(bar);
      } else if (replaces) effective.push(bar);
    }
    for (; index < this.#bars.length; index += 1) {
      const held = this.#bars[index];
      if (held !== undefined) merged.push(held);
    }
    if (effective.length > 0) this.#bars = merged;
    return effective;
  }
}

function isWithdrawn(bar: Bar): bar is WithdrawnBar {
  return bar[4] === null;
}

function same(left: Bar, right: Bar): boolean {
  return left.every((value, index) => value === right[index]);
}

/** Rising by time; the last of several states of one time wins. Servers send rising lists, so this is one pass. */
function latestByTime(bars: Bar[]): Bar[] {
  const rising = bars.every((bar, index) => index === 0 || (bars[index - 1] as Bar)[0] < bar[0]);
  if (rising) return bars;
  const byTime = new Map(bars.map((bar) => [bar[0], bar]));
  return [...byTime.values()].sort((left, right) => left[0] - right[0]);
}
