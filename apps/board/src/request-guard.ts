/**
 * What a page of another site could do with the board by the hands of an operator: read it over a name that it points
 * at 127.0.0.1, or send it a form. Logins are the proxy's business, these two are not.
 */
import { type IncomingMessage } from 'node:http';

export interface GuardOptions {
  /** A proxy is in front, and names the board as it likes. */
  behindProxy: boolean;
}

/** @returns why the request is refused, or null */
export function refusal({ method = 'GET', headers }: IncomingMessage, { behindProxy }: GuardOptions): string | null {
  const host = hostnameOf(`http://${headers.host ?? ''}`);
  if (!behindProxy && !isLoopback(host)) return 'This board answers to localhost only.';
  if (method === 'GET' || method === 'HEAD') return null;
  // Browsers say where a request comes from; programs say nothing.
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none')
    return 'Pages of other sites may not write here.';
  const { origin } = headers;
  if (origin !== undefined && hostnameOf(origin) !== host) return 'Pages of other sites may not write here.';
  return null;
}

/** @param host a name or an address, IPv6 with or without brackets */
export function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/.test(host);
}

function hostnameOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).hostname : '';
}
