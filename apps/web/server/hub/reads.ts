/**
 * The hub's reads: equal ones that are under way are shared, and only a few run at a time, so that a storm of
 * reconnects neither repeats queries nor starves the pool.
 */
export class Reads {
  readonly #underWay = new Map<string, Promise<unknown>>();
  readonly #most: number;
  readonly #queue: (() => void)[] = [];
  #running = 0;

  constructor(mostAtOnce = 6) {
    this.#most = mostAtOnce;
  }

  /**
   * @param key names the query with all its arguments
   *
   * Whoever joins a read may get a state from before it joined: it must compare revisions, and read again if so.
   */
  share<T>(key: string, read: () => Promise<T>): Promise<T> {
    const shared = this.#underWay.get(key);
    if (shared !== undefined) return shared as Promise<T>;
    const started = this.#limited(read).finally(() => this.#underWay.delete(key));
    this.#underWay.set(key, started);
    return started;
  }

  async #limited<T>(read: () => Promise<T>): Promise<T> {
    // A finished read hands its place on, so a newcomer cannot slip in between.
    if (this.#running >= this.#most) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#running += 1;
    try {
      return await read();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#running -= 1;
      else next();
    }
  }
}
