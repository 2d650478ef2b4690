/** What can be wrong with an archive or with the place that it goes to; each message says what to do. */

/** Nothing was changed: the archive, the target or the command is not as it must be. */
export class BackupError extends Error {
  override readonly name: string = 'BackupError';
}

/** A file of the archive is not what was written. */
export class CorruptArchiveError extends BackupError {
  override readonly name = 'CorruptArchiveError';
  readonly file: string;

  constructor(file: string, what: string, options?: ErrorOptions) {
    super(
      `${file} is damaged: ${what}. The archive cannot be restored; take another one (tapecast backup list).`,
      options,
    );
    this.file = file;
  }
}

/** The target holds something already. */
export class TargetNotEmptyError extends BackupError {
  override readonly name = 'TargetNotEmptyError';
}

/** What was read back from the database is not what is in the archive. */
export class RestoreMismatchError extends BackupError {
  override readonly name = 'RestoreMismatchError';
}
