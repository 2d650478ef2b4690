import { BackupError } from '../errors.ts';
import { type S3Settings } from '../settings.ts';
import { openDirectory } from './directory.ts';
import { openS3 } from './s3.ts';
import { type Storage } from './storage.ts';

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
