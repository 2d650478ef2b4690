/** The polls that are not written yet. Bounded: when the database stays away, the oldest are given up. */

export interface PollBuffer<T> {
  push(item: T): void;
  /** The oldest item, as soon as there is one. */
  peek(signal: AbortSignal): Promise<T>;
  /** Gives up the item that was peeked, unless the bound has done so already. */
  drop(item: T): void;
  readonly size: number;
  /** How many items were given up unwritten. */
  readonly lost: number;
}

export function createPollBuffer<T>(capacity: number): PollBuffer<T> {
  const items: T[] = [];
  let lost = 0;
  let arrived: (() => void) | undefined;
  return {
    push: (item) => {
      items.push(item);
      if (items.length > capacity) {
        items.shift();
        lost += 1;
      }
      arrived?.();
    },
    peek: async (signal) => {
      for (;;) {
        signal.throwIfAborted();
        const [first] = items;
        if (first !== undefined) return first;
        await new Promise<void>((resolve) => {
          arrived = resolve;
          signal.addEventListener('abort', arrived, { once: true });
        });
        if (arrived !== undefined) signal.removeEventListener('abort', arrived);
      }
    },
    drop: (item) => {
      if (items[0] === item) items.shift();
    },
    get size() {
      return items.length;
    },
    get lost() {
      return lost;
    },
  };
}
