/**
 * When each client gets its next frame: at once when it was idle, else one flush interval after its last, and never
 * before its transport has drained. One timer serves all clients.
 */
export interface Flushable {
  /** When bars were last sent, milliseconds on the flusher's clock: other messages do not make bars wait. */
  readonly lastFrameAt: number;
  /** False while the last frame is still in the transport's hands. */
  readonly drained: boolean;
  flush(now: number): void;
}

export class Flusher {
  readonly #intervalMs: number;
  readonly #now: () => number;
  readonly #waiting = new Set<Flushable>();
  #immediate: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;

  constructor(intervalMs: number, now: () => number = () => performance.now()) {
    this.#intervalMs = intervalMs;
    this.#now = now;
  }

  /** Something is due to this client. What comes in the same turn of the event loop shares its frame. */
  add(client: Flushable): void {
    this.#waiting.add(client);
    this.#immediate ??= setImmediate(() => {
      this.#immediate = null;
      this.#run();
    });
  }

  remove(client: Flushable): void {
    this.#waiting.delete(client);
  }

  close(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#waiting.clear();
  }

  #run(): void {
    const now = this.#now();
    let nextMs = Number.POSITIVE_INFINITY;
    for (const client of this.#waiting) {
      const dueInMs = client.lastFrameAt + this.#intervalMs - now;
      if (dueInMs <= 0 && client.drained) {
        this.#waiting.delete(client);
        client.flush(now);
      } else nextMs = Math.min(nextMs, dueInMs <= 0 ? this.#intervalMs / 4 : dueInMs);
    }
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timer = nextMs === Number.POSITIVE_INFINITY ? null : setTimeout(() => this.#run(), Math.ceil(nextMs));
  }
}
