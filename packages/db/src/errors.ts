/** Named errors of the database room. `retryable` says whether the same call may succeed later, unchanged. */

export class DatabaseUnavailableError extends Error {
  override readonly name = 'DatabaseUnavailableError';
  readonly retryable = true;

  constructor(cause: unknown) {
    super(
      'The database cannot be reached or did not answer in time. Check DATABASE_URL and the server; the call may be repeated.',
      {
        cause,
      },
    );
  }
}

/** LISTEN was taken, but what others NOTIFY does not arrive. */
export class ListenUnheardError extends Error {
  override readonly name = 'ListenUnheardError';
  readonly retryable = false;

  constructor() {
    super(
      'The database takes LISTEN, but notifications do not arrive: the URL goes through a pooler that hands out sessions by ' +
        'transaction (PgBouncer with pool_mode=transaction). Set DATABASE_LISTEN_URL to the database itself, or to a pool in ' +
        'session mode; DATABASE_URL may stay as it is.',
    );
  }
}

export class SchemaMismatchError extends Error {
  override readonly name = 'SchemaMismatchError';
  readonly retryable = false;
}

export class MigrationError extends Error {
  override readonly name = 'MigrationError';
  readonly retryable = false;
}

/** SQLSTATE classes: 08 connection, 53 resources, 57P0x shutdown, 25006 while a standby takes over. */
const UNAVAILABLE_STATES = /^(08|53|57P0|25006)/;
const UNAVAILABLE_CODES = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ETIMEDOUT',
  'EPIPE',
  'EHOSTUNREACH',
  'ENOENT',
]);
/** pg reports these without any code. */
const UNAVAILABLE_MESSAGES =
  /timeout|terminated|Connection ended|not queryable|Client has encountered a connection error|Cannot use a pool after/i;

export function isUnavailable(error: unknown): boolean {
  if (error instanceof DatabaseUnavailableError) return true;
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : undefined;
  if (code !== undefined) return UNAVAILABLE_CODES.has(code) || UNAVAILABLE_STATES.test(code);
  if (error instanceof AggregateError) return error.errors.some(isUnavailable);
  return UNAVAILABLE_MESSAGES.test(error.message);
}

const SERIALIZATION_FAILURE = '40001';
const DEADLOCK_DETECTED = '40P01';

/** The server ended this transaction in favour of another: running it again is right. */
export function isConflict(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === SERIALIZATION_FAILURE || error.code === DEADLOCK_DETECTED)
  );
}
