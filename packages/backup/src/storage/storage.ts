/** Where archives are kept: a folder, or S3-compatible object storage. */
import { type Readable } from 'node:stream';

export interface StoredFile {
  /** With slashes, as in `<archive>/<file>`. */
  path: string;
  modified: Date;
}

export interface Storage {
  /** For people, without secrets. */
  readonly place: string;
  /** Streams in constant memory. The file is there as a whole or not at all. */
  write(path: string, source: Readable): Promise<void>;
  /** @throws {BackupError} when it is not there */
  read(path: string): Promise<Readable>;
  /** All files of the archives, in no particular order. */
  list(): AsyncIterable<StoredFile>;
  /** It may be gone already. */
  remove(path: string): Promise<void>;
}
