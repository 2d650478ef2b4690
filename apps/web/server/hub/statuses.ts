/** The wire's `status` of each ticker, and who is told of it when: at once on change, all of it every few seconds. */
import type { Status } from '@tapecast/contracts/socket';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { Epoch } from '@tapecast/contracts/units';
import type { Logger } from '@tapecast/runtime/logger';
import type { Heads } from './heads.ts';
import type { StatusBoard } from './status-board.ts';

/** Statuses of all clients are told in batches with a pause between: ten thousand in one turn would hold up bars. */
const BATCH = 200;
const PAUSE_MS = 20;

export interface Recipient {
  /** @param only tickers whose state changed; all when it is left out */
  offerStatus(only?: ReadonlySet<Ticker>): void;
}

export interface StatusesOptions {
  board: StatusBoard;
  heads: Heads;
  logger: Logger;
  recipients: ReadonlySet<Recipient>;
  later(delayMs: number, task: () => void): void;
  /** Whether the hub ends: failures are then no news. */
  closed(): boolean;
}

export class Statuses {
  readonly #options: StatusesOptions;
  readonly #known = new Map<Ticker, Status>();
  #refreshing = false;

  constructor(options: StatusesOptions) {
    this.#options = options;
  }

  /** The same object as long as nothing changed, so that it is encoded once for all clients. */
  of(ticker: Ticker): Status {
    const known = this.#known.get(ticker);
    if (known !== undefined) return known;
    const { board, heads } = this.#options;
    const status = {
      ticker,
      ...board.freshness(ticker),
      epoch: heads.epoch ?? ('unknown' as Epoch),
      heads: heads.ofTicker(ticker),
      polledAt: board.quote(ticker)?.receivedAt ?? null,
    };
    this.#known.set(ticker, status);
    return status;
  }

  forget(ticker: Ticker): void {
    this.#known.delete(ticker);
  }

  forgetAll(): void {
    this.#known.clear();
  }

  /** One refresh at a time; hints that come meanwhile are answered by the next sweep at the latest. */
  async refresh(): Promise<void> {
    if (this.#refreshing) return;
    this.#refreshing = true;
    const { board, logger, closed } = this.#options;
    try {
      const changed = await board.refresh();
      this.#offer(changed);
    } catch (err) {
      if (!closed()) logger.warn({ err }, 'the state of the feed could not be read');
      this.databaseGone();
    } finally {
      this.#refreshing = false;
    }
  }

  databaseGone(): void {
    this.#offer(this.#options.board.databaseGone());
  }

  offerAll(): void {
    this.#offerBatches([...this.#options.recipients]);
  }

  #offerBatches(waiting: Recipient[]): void {
    const { recipients, later } = this.#options;
    for (const recipient of waiting.splice(0, BATCH)) if (recipients.has(recipient)) recipient.offerStatus();
    if (waiting.length > 0) later(PAUSE_MS, () => this.#offerBatches(waiting));
  }

  #offer(changed: Ticker[]): void {
    this.#known.clear();
    if (changed.length === 0) return;
    const only = new Set(changed);
    for (const recipient of this.#options.recipients) recipient.offerStatus(only);
  }
}
