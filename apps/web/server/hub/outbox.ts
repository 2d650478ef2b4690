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
  /** The oldest change that waits; most of the time the only one, which needs no list. */
  #first: BarsChange | null = null;
  #later: BarsChange[] | null = null;
  #waitingBars = 0;
  readonly #merger: ChangeMerger;

  constructor(merger: ChangeMerger) {
    this.#merger = merger;
  }

  /** The ack says `revision`: what came while it was read and is part of it is dropped. */
  start(revision: Revision): void {
    this.#cursor = revision;
    if (((this.#later?.at(-1) ?? this.#first)?.revision ?? 0) <= revision) this.#replace(null);
  }

  /** Nothing is due any more. */
  stop(): void {
    this.#cursor = null;
    this.#replace(null);
  }

  get due(): boolean {
    return this.#cursor !== null && this.#first !== null;
  }

  add(change: BarsChange): void {
    if (this.#first === null) {
      this.#replace(change);
      return;
    }
    const before = this.#later?.at(-1) ?? this.#first;
    // A change without bars whose prev is its revision says: ask anew. So does a change of another epoch.
    if (before.epoch !== change.epoch || isNudge(change)) this.#replace(change);
    else if (isNudge(before)) this.#replace(nudge(change));
    else {
      (this.#later ??= []).push(change);
      this.#waitingBars += change.bars.length;
      if (this.#later.length >= MOST_CHANGES) this.#replace(this.#merger.merge([this.#first, ...this.#later]));
    }
    if (this.#waitingBars > MOST_BARS) this.#replace(nudge(change));
  }

  /** One change from the client's revision on; null when nothing is due. @param merged counts those that are part of it */
  take(merged: { add(count: number): void }): BarsChange | null {
    const first = this.#first;
    const cursor = this.#cursor;
    if (first === null || cursor === null) return null;
    let change = first;
    if (this.#later !== null) {
      merged.add(this.#later.length);
      change = this.#merger.merge([first, ...this.#later]);
    }
    this.#replace(null);
    this.#cursor = change.revision;
    // Unchanged where it can be, so that what is shared can be encoded once. A prev above the cursor tells of a gap.
    const continues = change.prev < cursor && cursor < change.revision;
    return continues ? { ...change, prev: cursor } : change;
  }

  #replace(change: BarsChange | null): void {
    this.#first = change;
    this.#later = null;
    this.#waitingBars = change?.bars.length ?? 0;
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
