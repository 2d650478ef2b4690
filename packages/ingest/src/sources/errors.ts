/** What a vendor can do to us. `retryable` says whether asking again may help. */

export abstract class VendorError extends Error {
  abstract readonly retryable: boolean;
}

/** The vendor said 429. */
export class VendorRateLimitedError extends VendorError {
  override readonly name = 'VendorRateLimitedError';
  readonly retryable = true;
}

/** No connection, a 5xx, or the breaker is open. */
export class VendorUnavailableError extends VendorError {
  override readonly name = 'VendorUnavailableError';
  readonly retryable = true;
}

/** No answer in time. */
export class VendorTimeoutError extends VendorError {
  override readonly name = 'VendorTimeoutError';
  readonly retryable = true;
}

/** An answer that cannot be read: HTML, truncated JSON, another shape. Often a bad moment of an edge server. */
export class VendorFormatError extends VendorError {
  override readonly name = 'VendorFormatError';
  readonly retryable = true;
}

/** Crumb or cookie were refused (401, 403); a new session may be let in. */
export class VendorSessionError extends VendorError {
  override readonly name = 'VendorSessionError';
  readonly retryable = true;
}

/** The vendor understood and refuses: unknown symbol, forbidden range. Asking again is of no use. */
export class VendorRefusedError extends VendorError {
  override readonly name = 'VendorRefusedError';
  readonly retryable = false;
}

export function isRetryable(error: unknown): boolean {
  return error instanceof VendorError && error.retryable;
}
