/**
 * Whether an edge (a load balancer) may send clients to this server. Unlike readiness it does not follow the database:
 * all servers share that one, and an edge that took them all out would turn its restart into an outage of sockets too.
 */
export class Serving {
  readonly #notReady: () => string[];
  #begun = false;
  #leaving = false;

  /** @param notReady reasons; once there are none, the server serves until it leaves */
  constructor(notReady: () => string[]) {
    this.#notReady = notReady;
  }

  /** Told to stop: from here on the edge should send clients elsewhere. */
  leave(): void {
    this.#leaving = true;
  }

  /** Why the edge should send nobody here; empty when it may. */
  refusals(): string[] {
    if (this.#leaving) return ['the server is stopping'];
    const reasons = this.#begun ? [] : this.#notReady();
    this.#begun ||= reasons.length === 0;
    return reasons;
  }

  /** Why the server cannot do all of its work now: what is missing, or that it is stopping. */
  notReady(): string[] {
    return this.#leaving ? ['the server is stopping'] : this.#notReady();
  }
}
