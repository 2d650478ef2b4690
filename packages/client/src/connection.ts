/** What is known of the connection: never "connected" while it is not. */
export interface Connection {
  state: 'connecting' | 'connected' | 'reconnecting';
  /** Unix milliseconds of the last change of `state`. */
  since: number;
  /** Unix milliseconds of the newest frame or ack, null before the first: "data as of". */
  lastDataAt: number | null;
  /** Why there is no connection, as far as known. */
  problem: string | null;
}

export class ConnectionMonitor {
  readonly #now: () => number;
  readonly #listeners = new Set<(connection: Connection) => void>();
  #current: Connection;

  constructor(now: () => number) {
    this.#now = now;
    this.#current = { state: 'connecting', since: now(), lastDataAt: null, problem: null };
  }

  get current(): Connection {
    return this.#current;
  }

  listen(listener: (connection: Connection) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  connected(): void {
    this.#change({ state: 'connected', problem: null });
  }

  lost(problem: string): void {
    this.#change({ state: this.#current.state === 'connecting' ? 'connecting' : 'reconnecting', problem });
  }

  /** Frequent, so it tells nobody: read `current.lastDataAt` when it is drawn. */
  data(): void {
    this.#current.lastDataAt = this.#now();
  }

  #change(change: Pick<Connection, 'state' | 'problem'>): void {
    const { state, since, problem } = this.#current;
    if (state === change.state && problem === change.problem) return;
    this.#current = { ...this.#current, ...change, since: state === change.state ? since : this.#now() };
    for (const listener of this.#listeners) listener(this.#current);
  }
}
