/** Counts whatever a client sends, protocol or not; when that is far too much, the rest waits in the network. */
import type { Engine } from './channel.ts';
import type { TokenBucket } from './token-bucket.ts';

/** A client that sends too much is not read from for so long. */
const PAUSE_MS = 500;

export interface Throttle {
  bucket: TokenBucket;
  mostBeyond: number;
  /** Called once: it sent more than that while it was not read from. */
  onFlood(): void;
}

export function throttle(engine: Engine, { bucket, mostBeyond, onFlood }: Throttle): void {
  let beyond = 0;
  engine.on('packet', (packet) => {
    if (packet.type === 'pong' || bucket.take()) return;
    beyond += 1;
    if (beyond > mostBeyond) {
      // Nobody takes it any further.
      packet.type = 'noop';
      if (beyond === mostBeyond + 1) onFlood();
      return;
    }
    if (beyond > 1) return;
    const { socket } = engine.transport;
    socket?.pause?.();
    setTimeout(() => {
      if (beyond > mostBeyond) return;
      beyond = 0;
      socket?.resume?.();
    }, PAUSE_MS);
  });
}
