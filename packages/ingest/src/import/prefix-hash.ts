/** SHA-256 of a text up to where it has been worked through, although it is read ahead of that. */
import { createHash } from 'node:crypto';

export interface PrefixHash {
  /** Passes the text on and remembers what lies ahead. */
  watch(text: AsyncIterable<Buffer>): AsyncGenerator<Buffer>;
  /** Forgets the text before this place. */
  pass(bytes: number): void;
  /** In hex, of the first `bytes` bytes: as many as at the last call, or more. */
  at(bytes: number): string;
  /** Of all. */
  whole(): { bytes: number; hash: string };
}

export function createPrefixHash(): PrefixHash {
  const hash = createHash('sha256');
  const ahead: Buffer[] = [];
  let hashed = 0;

  function advance(to: number): void {
    while (ahead.length > 0 && hashed < to) {
      const [chunk] = ahead as [Buffer];
      const part = chunk.subarray(0, to - hashed);
      hash.update(part);
      hashed += part.length;
      if (part.length === chunk.length) ahead.shift();
      else ahead[0] = chunk.subarray(part.length);
    }
  }

  return {
    watch: async function* (text) {
      for await (const chunk of text) {
        ahead.push(chunk);
        yield chunk;
      }
    },
    pass: advance,
    at: (bytes) => {
      advance(bytes);
      return hash.copy().digest('hex');
    },
    whole: () => {
      advance(Number.POSITIVE_INFINITY);
      return { bytes: hashed, hash: hash.copy().digest('hex') };
    },
  };
}
