/**
 * When each client gets its next frame: at once when it was idle, else one flush interval after its last, and never
 * before its transport has drained. One timer serves all clients. Those that are due within a quarter of the interval go
 * together: writing to many sockets in a row costs far less than to each at its own time.
 */
export interface Flushable {
  /** When bars were last sent, milliseconds on the flusher's clock: other messages do not make bars wait. */
  lastFrameAt: number;
  /** Set while it is in the flusher's hands. */
  waiting: boolean;
  /** False while the last frame is still in the transport's hands. */
  readonly drained: boolean;
  flush(now: number): void;
}

/** Share of the interval by which a frame may be early, to go with others. */
const EARLY = 0.25;

export class Flusher {
  readonly #intervalMs: number;
  readonly #slotMs: number;
  readonly #now: () => number;
  /** Due at once. */
  #idle: Flushable[] = [];
  /** Due later, by the slot of time in which they are. */
  readonly #slots = new Map<number, Flushable[]>();
  #immediate: NodeJS.Immediate | null = null;
  #timer: NodeJS.Timeout | null = null;
  #timerSlot = Number.POSITIVE_INFINITY;

  constructor(intervalMs: number, now: () => number = () => performance.now()) {
    this.#intervalMs = intervalMs;
    this.#slotMs = intervalMs * EARLY;
    this.#now = now;
  }

  /** Something is due to this client. What comes in the same turn of the event loop shares its frame. */
  add(client: Flushable): void {
    if (client.waiting) return;
    client.waiting = true;
    this.#place(client, this.#now());
  }

  /** It gets nothing more. */
  remove(client: Flushable): void {
    client.waiting = false;
  }

  close(): void {
    if (this.#immediate !== null) clearImmediate(this.#immediate);
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#idle = [];
    this.#slots.clear();
  }

  #place(client: Flushable, now: number): void {
    const dueAt = client.lastFrameAt + this.#intervalMs;
    if (dueAt <= now && client.drained) {
      this.#idle.push(client);
      this.#immediate ??= setImmediate(() => {
        this.#immediate = null;
        this.#flushIdle();
      });
      return;
    }
    // A transport that is not drained is looked at again a slot later.
    const slot = Math.floor(Math.max(dueAt, now + this.#slotMs) / this.#slotMs);
    const others = this.#slots.get(slot);
    if (others !== undefined) others.push(client);
    else {
      this.#slots.set(slot, [client]);
      if (slot < this.#timerSlot) this.#schedule(slot, now);
    }
  }

  #schedule(slot: number, now: number): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    this.#timerSlot = slot;
    this.#timer = setTimeout(() => this.#flushSlots(), Math.max(1, Math.ceil(slot * this.#slotMs - now)));
  }

  #flushIdle(): void {
    const due = this.#idle;
    this.#idle = [];
    this.#flush(due);
  }

  #flushSlots(): void {
    this.#timer = null;
    this.#timerSlot = Number.POSITIVE_INFINITY;
    const now = this.#now();
    for (const slot of [...this.#slots.keys()].sort((left, right) => left - right)) {
      if (slot * this.#slotMs > now) {
        if (slot < this.#timerSlot) this.#schedule(slot, now);
        return;
      }
      const due = this.#slots.get(slot) ?? [];
      this.#slots.delete(slot);
      this.#flush(due);
    }
  }

  #flush(clients: Flushable[]): void {
    const now = this.#now();
    for (const client of clients) {
      if (!client.waiting) continue;
      if (client.drained) {
        client.waiting = false;
        client.flush(now);
      } else this.#place(client, now);
    }
  }
}
