/**
 * The fetch that yahoo-finance2 is given. It sends every request through the budget, ends it in time, redirects it to
 * YAHOO_ORIGIN, and turns a vendor's fault into a named error before the library can mistake it for an answer.
 */
import type { Lane, RequestBudget } from './request-budget.ts';
import {
  VendorError,
  VendorFormatError,
  VendorRateLimitedError,
  VendorRefusedError,
  VendorSessionError,
  VendorTimeoutError,
  VendorUnavailableError,
} from './errors.ts';

export interface TransportOptions {
  budget: RequestBudget;
  /** Takes the place of scheme, host and port of every request. */
  origin?: string | undefined;
  timeoutMs: number;
  fetch: typeof fetch;
}

export type Transport = (lane: Lane, signal: AbortSignal) => typeof fetch;

export function createTransport({ budget, origin, timeoutMs, fetch }: TransportOptions): Transport {
  return (lane, signal) => async (input, init) => {
    const asked = new URL(input instanceof Request ? input.url : input);
    const target = origin === undefined ? asked : new URL(asked.pathname + asked.search, origin);
    await budget.take(lane, signal);
    // A timeout of its own, apart from the caller's signal, tells "too slow" from "told to stop".
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetch(target, { ...init, signal: AbortSignal.any([signal, timeout]) });
      // The body is read here, under the same timeout: the library would wait for it for ever.
      const body = await response.text();
      refuseFaults(asked, response, body);
      const bodyless = response.status === 204 || response.status === 304;
      return new Response(bodyless ? null : body, { status: response.status, headers: response.headers });
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      if (error instanceof VendorError) throw error;
      if (timeout.aborted) {
        throw new VendorTimeoutError(`Yahoo did not answer ${asked.pathname} within ${timeoutMs} ms`, { cause: error });
      }
      throw new VendorUnavailableError(`Yahoo cannot be reached at ${target.origin}: check the network`, {
        cause: error,
      });
    }
  };
}

function refuseFaults(asked: URL, response: Response, body: string): void {
  const { status } = response;
  const what = `Yahoo answered ${asked.pathname} with`;
  if (status === 429) throw new VendorRateLimitedError(`${what} 429: raise POLL_SECONDS or lower the request budget`);
  // The page that hands out the cookie does so whatever its status.
  if (isCookiePage(asked)) {
    if (status >= 500 && response.headers.getSetCookie().length === 0)
      throw new VendorUnavailableError(`${what} ${status}`);
    return;
  }
  if (status === 401 || status === 403) throw new VendorSessionError(`${what} ${status}: cookie or crumb were refused`);
  if (status >= 500) throw new VendorUnavailableError(`${what} ${status}`);
  if (status >= 400) throw new VendorRefusedError(`${what} ${status}: ${refusalOf(body)}`);
  if (status >= 300) throw new VendorFormatError(`${what} an unexpected redirect (${status})`);
  if (asked.pathname.endsWith('/getcrumb')) {
    if (body.length === 0 || body.length > 64 || /[<{\s]/.test(body)) throw new VendorFormatError(`${what} no crumb`);
    return;
  }
  if (!isJson(body)) throw new VendorFormatError(`${what} something that is not JSON: ${excerpt(body)}`);
}

function isCookiePage(asked: URL): boolean {
  return !/^\/(v\d+|ws)\//.test(asked.pathname);
}

function isJson(body: string): boolean {
  try {
    JSON.parse(body);
    return true;
  } catch {
    return false;
  }
}

/** Yahoo's own words: `{"chart":{"result":null,"error":{"code":"Not Found","description":"…"}}}`. */
function refusalOf(body: string): string {
  return /"description"\s*:\s*"([^"]{1,300})"/.exec(body)?.[1] ?? excerpt(body);
}

function excerpt(body: string): string {
  return JSON.stringify(body.slice(0, 120));
}
