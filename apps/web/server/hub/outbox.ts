/**
 * What one client is still to be told of one series. Changes wait as references to what all clients share and are merged
 * only when they are sent or become many: newest state per bar, from the client's own revision on.
 */
import type { BarsChange } from '@tapecast/contracts/socket';
import type { Revision } from '@tapecast/contracts/units';
import type { ChangeMerger } from './change-merger.ts';

/** Beyond this many waiting bars it is cheaper for all that the client asks for what it missed. */
const MOST_BARS = 2_000;
const MOST_CHANGES = 16;

export class Outbox {
  /** The client holds everything up to here; null until its ack is on the way. */
  #cursor: Revision | null = null;
  #waiting: BarsChange[] = [];
  #waitingBars = 0;
  readonly #merger: ChangeMerger;

  constructor(merger: ChangeMerger) {
    this.#merger = merger;
  }

  /** The ack says `revision`: what came while it was read and is part of it is dropped. */
  start(revision: Revision): void {
    this.#cursor = revision;
    if ((this.#waiting.at(-1)?.revision ?? 0) <= revision) this.#replace([]);
  }

  get due(): boolean {
    return this.#cursor !== null && this.#waiting.length > 0;
  }

  add(change: BarsChange): void {
    const before = this.#waiting.at(-1);
    // A change without bars whose prev is its revision says: ask anew. So does a change of another epoch.
    if (before !== undefined && (before.epoch !== change.epoch || isNudge(change))) this.#replace([change]);
    else if (before !== undefined && isNudge(before)) this.#replace([nudge(change)]);
    else {
      this.#waiting.push(change);
      this.#waitingBars += change.bars.length;
    }
    if (this.#waiting.length > MOST_CHANGES) this.#replace([this.#merger.merge(this.#waiting)]);
    if (this.#waitingBars > MOST_BARS) this.#replace([nudge(change)]);
  }

  /** One change from the client's revision on, and how many were merged into it; null when nothing is due. */
  take(): { change: BarsChange; merged: number } | null {
    const cursor = this.#cursor;
    const count = this.#waiting.length;
    if (count === 0 || cursor === null) return null;
    const change = this.#merger.merge(this.#waiting);
    this.#waiting.length = 0;
    this.#waitingBars = 0;
    this.#cursor = change.revision;
    // Unchanged where it can be, so that what is shared can be encoded once. A prev above the cursor tells of a gap.
    const continues = change.prev < cursor && cursor < change.revision;
    return { change: continues ? { ...change, prev: cursor } : change, merged: count - 1 };
  }

  #replace(changes: BarsChange[]): void {
    this.#waiting = changes;
    this.#waitingBars = changes.reduce((sum, { bars }) => sum + bars.length, 0);
  }
}

/** Makes a client that holds less ask for what it misses. */
export function nudge(head: Omit<BarsChange, 'prev' | 'bars'>): BarsChange {
  const { epoch, ticker, resolution, revision } = head;
  return { epoch, ticker, resolution, prev: revision, revision, bars: [] };
}

function isNudge(change: BarsChange): boolean {
  return change.prev === change.revision;
}
