/** The way of the newest price to this screen, hop by hop: source, poll, commit, push, arrival. */
import type { Stamps } from '@tapecast/client/client';
import type { Status } from '@tapecast/contracts/socket';

/** Milliseconds; null where the stamps of a hop are not known. Clocks of two machines may differ: never below 0. */
export interface Hops {
  /** From the source's stamp of the price (whole seconds) to the answer of the poll that brought it. */
  poll: number | null;
  commit: number | null;
  push: number | null;
  screen: number | null;
}

/** A status tells of a poll some seconds after its change came: so many changes are remembered. */
const REMEMBERED = 64;
/** A change that was committed later than this after a poll is not the poll's. */
const MOST_MS = 30_000;

export class HopTrail {
  #arrivals: (Stamps & { at: number })[] = [];
  #polledAt: number | null = null;

  /** @param at Unix milliseconds */
  arrived(stamps: Stamps, at: number): void {
    this.#arrivals.push({ ...stamps, at });
    if (this.#arrivals.length > REMEMBERED) this.#arrivals.shift();
  }

  /** Null when this status tells of no poll whose change was seen to arrive, or of one that was told before. */
  hopsOf({ asOf, polledAt }: Pick<Status, 'asOf' | 'polledAt'>): Hops | null {
    if (polledAt == null || asOf === null || polledAt === this.#polledAt) return null;
    const change = this.#arrivals.find(({ committedAt, pushedAt, at }) => (committedAt ?? pushedAt ?? at) >= polledAt);
    if (change === undefined) return null;
    const { committedAt, pushedAt, at } = change;
    if ((committedAt ?? pushedAt ?? at) - polledAt > MOST_MS) return null;
    this.#polledAt = polledAt;
    return {
      poll: between(asOf * 1_000, polledAt),
      commit: between(polledAt, committedAt),
      push: between(committedAt, pushedAt),
      screen: between(pushedAt, at),
    };
  }
}

function between(from: number | undefined, to: number | undefined): number | null {
  return from === undefined || to === undefined ? null : Math.max(0, to - from);
}
