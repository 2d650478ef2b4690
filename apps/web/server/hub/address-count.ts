/** Open connections of each address. */
import { isLoopback } from '../client-address.ts';

export class AddressCount {
  readonly #most: number;
  readonly #counts = new Map<string, number>();

  constructor(most: number) {
    this.#most = most;
  }

  enter(address: string): void {
    this.#counts.set(address, (this.#counts.get(address) ?? 0) + 1);
  }

  leave(address: string): void {
    const left = (this.#counts.get(address) ?? 0) - 1;
    if (left > 0) this.#counts.set(address, left);
    else this.#counts.delete(address);
  }

  /** Loopback never is: behind a proxy that is not trusted it stands for everyone. */
  isOver(address: string): boolean {
    return !isLoopback(address) && (this.#counts.get(address) ?? 0) > this.#most;
  }
}
