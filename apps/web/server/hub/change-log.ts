/**
 * The newest changes of one series, an unbroken chain: whoever holds a revision is told here what came after it, in one
 * change. So nothing waits per client, however slow it is, and those who hold the same get the same object, which is
 * encoded once. Older changes are kept merged in pairs, pairs of pairs and so on: who lags far behind gets at most about
 * twice the span that it misses, and the log stays short. What has grown old is forgotten: no client that lives is so slow, and days
 * of minutes of all that is watched would fill the memory.
 */
import type { Bar } from '@tapecast/contracts/bar';
import type { BarsChange } from '@tapecast/contracts/socket';

/** Beyond this many bars it is cheaper for all that a client asks for what it missed. */
const MOST_BARS = 2_000;
/** So many changes of one size wait before the two oldest of them are merged. */
const PER_LEVEL = 16;

interface Entry {
  change: BarsChange;
  /** 2^level changes are merged in it. */
  level: number;
}

/** Held by nobody: what is due to it is to ask anew. */
export const NOTHING_HELD = -1;

type Head = Omit<BarsChange, 'prev' | 'bars'>;

export class ChangeLog {
  /** Oldest first; `prev` of each is the `revision` of the one before. Levels fall. */
  #entries: Entry[];
  /** That of the last entry: nearly every client is due just this one. */
  #newest: BarsChange;
  #bars = 0;
  /** Answers since the newest change, by the revision that was asked from. */
  readonly #answers = new Map<number, BarsChange>();

  constructor(head: Head) {
    this.#newest = nudge(head);
    this.#entries = [{ change: this.#newest, level: 0 }];
  }

  /** @param change continues the one before */
  add(change: BarsChange): void {
    this.#answers.clear();
    this.#newest = change;
    this.#entries.push({ change, level: 0 });
    this.#bars += change.bars.length;
    for (let level = 0; this.#mergeOldestOf(level); level += 1);
    while (this.#bars > MOST_BARS && this.#entries.length > 1)
      this.#bars -= this.#entries.shift()?.change.bars.length ?? 0;
  }

  /** From here on only who holds `head.revision` can go on; all others are told to ask. */
  restart(head: Head): void {
    this.#answers.clear();
    this.#newest = nudge(head);
    this.#entries = [{ change: this.#newest, level: 0 }];
    this.#bars = 0;
  }

  /** What was pushed before this time (milliseconds): who still misses it is told to ask. */
  forget(before: number): void {
    // What the log began with holds no bars.
    if (this.#bars === 0) return;
    const first = this.#entries.findIndex(({ change }) => (change.pushedAt ?? 0) >= before);
    if (first === -1) return this.restart(this.#newest);
    if (first === 0) return;
    this.#answers.clear();
    for (const { change } of this.#entries.splice(0, first)) this.#bars -= change.bars.length;
  }

  /**
   * One change from `held` on, where the log reaches back to it, else one that makes the client ask.
   * @param held below the newest revision
   */
  since(held: number): BarsChange {
    const newest = this.#newest;
    if (newest.prev <= held) return newest;
    const known = this.#answers.get(held);
    if (known !== undefined) return known;
    const answer = this.#collect(held, newest);
    this.#answers.set(held, answer);
    return answer;
  }

  #collect(held: number, newest: BarsChange): BarsChange {
    const first = this.#entries.findLastIndex(({ change }) => change.prev <= held);
    if (first === -1) return nudge(newest);
    return merge(this.#entries.slice(first).map(({ change }) => change));
  }

  #mergeOldestOf(level: number): boolean {
    const oldest = this.#entries.findIndex((entry) => entry.level === level);
    const after = this.#entries.findIndex((entry) => entry.level < level);
    if (oldest === -1 || (after === -1 ? this.#entries.length : after) - oldest <= PER_LEVEL) return false;
    const pair = this.#entries.slice(oldest, oldest + 2).map(({ change }) => change);
    const change = merge(pair);
    this.#bars += change.bars.length - pair.reduce((sum, { bars }) => sum + bars.length, 0);
    this.#entries.splice(oldest, 2, { change, level: level + 1 });
    return true;
  }
}

/** A change without bars whose prev is its revision: a client that holds less asks for what it misses. */
function nudge({ epoch, ticker, resolution, revision, pushedAt }: Head): BarsChange {
  const stamp = pushedAt === undefined ? {} : { pushedAt };
  return { epoch, ticker, resolution, prev: revision, revision, bars: [], ...stamp };
}

/** Newest state of each bar. @param changes without gaps, oldest first */
function merge(changes: readonly BarsChange[]): BarsChange {
  const [first] = changes;
  const last = changes.at(-1);
  if (first === undefined || last === undefined) throw new RangeError('there is nothing to merge');
  if (first === last) return first;
  const byTime = new Map<number, Bar>();
  for (const { bars } of changes) for (const bar of bars) byTime.set(bar[0], bar);
  const bars = [...byTime.values()].sort((left, right) => left[0] - right[0]);
  return { ...last, prev: first.prev, bars };
}
