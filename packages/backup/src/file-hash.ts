/** SHA-256 and size of what goes through. */
import { createHash } from 'node:crypto';
import { Transform } from 'node:stream';

export interface FileHash {
  readonly stream: Transform;
  /** Of all that went through; ask once, at the end. */
  result(): { bytes: number; sha256: string };
}

export function fileHash(): FileHash {
  const sha256 = createHash('sha256');
  let bytes = 0;
  return {
    stream: new Transform({
      transform(chunk: Buffer, _encoding, done) {
        sha256.update(chunk);
        bytes += chunk.length;
        done(null, chunk);
      },
    }),
    result: () => ({ bytes, sha256: sha256.digest('hex') }),
  };
}
