/** What the program's end says to scripts; docs/cli.md lists them. */
export const EXIT = {
  ok: 0,
  /** Something failed that nobody foresaw. */
  failed: 1,
  /** The command line or a setting is wrong. */
  usage: 2,
  /** The file or the backup was refused: nothing of it was kept. */
  refused: 3,
  /** The database, the web service or the vendor cannot be reached; another backfill runs. */
  unavailable: 4,
  /** The command worked and found something that is not as it should be: doctor, db status, gaps. */
  findings: 5,
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The person can mend it: the message alone is shown, without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

export class UnavailableError extends Error {
  override readonly name = 'UnavailableError';
}
