/** The newest revision of each native series that the hub knows of, and the epoch to which these revisions belong. */
import { baseOf, type NativeResolution, type Resolution } from '@tapecast/contracts/resolution';
import type { Heads as TickerHeads } from '@tapecast/contracts/socket';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { Epoch, Revision } from '@tapecast/contracts/units';
import type { Head } from '@tapecast/db/series';

export class Heads {
  #epoch: Epoch | null = null;
  #byTicker = new Map<string, TickerHeads>();

  /** Null until the database has answered once. */
  get epoch(): Epoch | null {
    return this.#epoch;
  }

  begin(epoch: Epoch, heads: readonly Head[]): void {
    this.#epoch = epoch;
    this.#byTicker = new Map();
    for (const { ticker, resolution, revision } of heads) this.set(ticker, resolution, revision);
  }

  /** Of the native series that a resolution is made of; 0 when nothing is known of it. */
  of(ticker: string, resolution: Resolution): Revision {
    return this.#byTicker.get(ticker)?.[baseOf(resolution)] ?? (0 as Revision);
  }

  set(ticker: Ticker, resolution: NativeResolution, revision: Revision): void {
    const heads = this.#byTicker.get(ticker);
    if (heads === undefined) this.#byTicker.set(ticker, { [resolution]: revision });
    else heads[resolution] = revision;
  }

  ofTicker(ticker: string): TickerHeads {
    return { ...this.#byTicker.get(ticker) };
  }

  ahead(found: readonly Head[]): Head[] {
    return found.filter(({ ticker, resolution, revision }) => revision > this.of(ticker, resolution));
  }

  /** As they are now, to be compared with what a query finds: a hint may outrun its answer. */
  snapshot(): ReadonlyMap<string, Revision> {
    const entries = [...this.#byTicker].flatMap(([ticker, heads]) =>
      Object.entries(heads).map(([resolution, head]) => [`${ticker} ${resolution}`, head] as const),
    );
    return new Map(entries);
  }
}

/** Within one epoch revisions only rise: otherwise the database was set back. @param before from before the query */
export function wentBack(before: ReadonlyMap<string, Revision>, found: readonly Head[]): boolean {
  const now = new Map(found.map(({ ticker, resolution, revision }) => [`${ticker} ${resolution}`, revision]));
  return [...before].some(([key, revision]) => (now.get(key) ?? 0) < revision);
}
