/**
 * A digest of a table's rows that does not depend on their order: two databases hold the same rows if row count and digest are equal,
 * although no server promises an order and sorting years of bars would cost more than copying them.
 *
 * It is the sum of the first 128 bits of each line's SHA-256, as four 32-bit numbers. It guards against accidents; against tampering
 * each file has its SHA-256.
 */
import { hash } from 'node:crypto';
import { Transform } from 'node:stream';

const NEWLINE = 10;

export class RowDigest {
  readonly #lanes = new Uint32Array(4);
  #rest: Buffer[] = [];
  #rows = 0;

  /** Takes lines of COPY's text format, in which a newline ends a row and nothing else. */
  update(chunk: Buffer): void {
    let start = 0;
    for (let end = chunk.indexOf(NEWLINE); end !== -1; end = chunk.indexOf(NEWLINE, start)) {
      const line = chunk.subarray(start, end);
      this.#add(this.#rest.length === 0 ? line : Buffer.concat([...this.#rest, line]));
      this.#rest = [];
      start = end + 1;
    }
    if (start < chunk.length) this.#rest.push(Buffer.from(chunk.subarray(start)));
  }

  get rows(): number {
    return this.#rows;
  }

  /** @throws {RangeError} when the last line has no end */
  hex(): string {
    if (this.#rest.length > 0) throw new RangeError('The last row is cut off.');
    return [...this.#lanes].map((lane) => lane.toString(16).padStart(8, '0')).join('');
  }

  #add(line: Buffer): void {
    const digest = hash('sha256', line, 'buffer');
    for (let lane = 0; lane < 4; lane++) {
      this.#lanes[lane] = ((this.#lanes[lane] ?? 0) + digest.readUInt32LE(lane * 4)) >>> 0;
    }
    this.#rows += 1;
  }
}

/** Lets lines through and adds them to `digest`. */
export function throughDigest(digest: RowDigest, onRows: (rows: number) => void = () => undefined): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, done) {
      digest.update(chunk);
      onRows(digest.rows);
      done(null, chunk);
    },
  });
}
