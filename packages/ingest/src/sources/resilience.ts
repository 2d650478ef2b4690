/** Retry with jitter inside, an open breaker when it does not help: a vendor in trouble is left alone for a while. */
import {
  ConsecutiveBreaker,
  ExponentialBackoff,
  circuitBreaker,
  handleWhen,
  isBrokenCircuitError,
  retry,
  wrap,
} from 'cockatiel';
import { VendorTimeoutError, VendorUnavailableError, isRetryable } from './errors.ts';

export interface ResilienceOptions {
  /** Retries after the first attempt. */
  retries: number;
  firstDelayMs: number;
  /** Attempts that fail in a row until the breaker opens. */
  failures: number;
  /** The breaker's first rest; grows with jitter up to LONGEST_REST_MS while the vendor keeps failing. */
  restMs: number;
}

export const DEFAULT_RESILIENCE: ResilienceOptions = { retries: 2, firstDelayMs: 250, failures: 6, restMs: 2_000 };

/** A recovered vendor is noticed within this time. */
const LONGEST_REST_MS = 10_000;

export interface Resilience {
  /** @throws what the last attempt threw; {VendorUnavailableError} while the breaker is open */
  run<T>(signal: AbortSignal, attempt: () => Promise<T>): Promise<T>;
}

export function createResilience(options: ResilienceOptions = DEFAULT_RESILIENCE): Resilience {
  const faults = handleWhen(isRetryable);
  // Who was silent for a whole timeout is asked again at the next poll, not at once.
  const quickFaults = handleWhen((error) => isRetryable(error) && !(error instanceof VendorTimeoutError));
  const breaker = circuitBreaker(faults, {
    breaker: new ConsecutiveBreaker(options.failures),
    halfOpenAfter: new ExponentialBackoff({ initialDelay: options.restMs, maxDelay: LONGEST_REST_MS }),
  });
  let lastFault: Error | undefined;
  breaker.onFailure((failure) => {
    if ('error' in failure.reason && failure.reason.error instanceof Error) lastFault = failure.reason.error;
  });
  const policy = wrap(
    retry(quickFaults, {
      maxAttempts: options.retries,
      backoff: new ExponentialBackoff({ initialDelay: options.firstDelayMs, maxDelay: 5_000 }),
    }),
    breaker,
  );
  return {
    run: async (signal, attempt) => {
      signal.throwIfAborted();
      try {
        return await policy.execute(attempt, signal);
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (!isBrokenCircuitError(error)) throw error;
        const why = lastFault === undefined ? '' : `: ${lastFault.message}`;
        throw new VendorUnavailableError(`The vendor failed repeatedly and is left alone for a while${why}`, {
          cause: lastFault,
        });
      }
    },
  };
}
