/** Bars as text, once for all clients: a change that many are due is stringified by the first and reused by the rest. */
import type { BarsChange } from '@tapecast/contracts/socket';

export class FrameEncoder {
  readonly #texts = new WeakMap<BarsChange, string>();

  /** The Socket.IO event `bars` in the main namespace, as Engine.IO takes it for a message. */
  bars(changes: BarsChange[]): string {
    return `2["bars",[${changes.map((change) => this.#text(change)).join(',')}]]`;
  }

  #text(change: BarsChange): string {
    const known = this.#texts.get(change);
    if (known !== undefined) return known;
    const text = JSON.stringify(change);
    this.#texts.set(change, text);
    return text;
  }
}
