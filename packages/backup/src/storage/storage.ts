/** Where archives are kept: a folder, or S3-compatible object storage. */
import { type Readable } from 'node:stream';
import { BackupError } from '../errors.ts';
import { type S3Settings } from '../settings.ts';
import { openDirectory } from './directory.ts';
import { openS3 } from './s3.ts';

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

/**
 * @param target a folder, or `s3://bucket/prefix`
 * @throws {BackupError}
 */
export function openStorage(target: string, s3: S3Settings): Storage {
  if (target.startsWith('s3://')) return openS3(target, s3);
  if (/^[a-z][a-z0-9+.-]+:\/\//i.test(target)) {
    throw new BackupError(`${target}: backups go to a folder or to s3://bucket/prefix.`);
  }
  return openDirectory(target);
}
