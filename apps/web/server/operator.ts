/**
 * Who may change anything over HTTP, until there are accounts: whoever sits at the machine that a private server runs on. A
 * connection from loopback alone does not show that. It may come from a proxy beside the server, or from a page of some other
 * site in a browser on this machine (by a form, by a script, or under a name that was rebound to 127.0.0.1).
 */
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import { isLoopback } from './client-address.ts';

/** What the guard looks at; Node's own request has it all. */
export interface Caller {
  headers: IncomingMessage['headers'];
  httpVersion: string;
  socket: { remoteAddress?: string | undefined };
}

/** A proxy adds at least one of these, or speaks HTTP/1.0, as nginx does unless it is told otherwise. */
const PROXY_HEADERS = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-server',
  'x-real-ip',
  'cf-connecting-ip',
  'true-client-ip',
];

export class Operators {
  readonly #behindProxies: boolean;
  #http: HttpServer | null = null;

  /** @param behindProxies TRUSTED_PROXIES says that requests come through one */
  constructor(behindProxies: boolean) {
    this.#behindProxies = behindProxies;
  }

  /** The server whose address decides whether this is a private one. */
  serves(http: HttpServer): void {
    this.#http = http;
  }

  /** Why this caller may not write, for people; null when it may. */
  refusal(caller: Caller | undefined): string | null {
    const bound = this.#http?.address() ?? null;
    if (caller === undefined || bound === null || typeof bound === 'string') {
      return 'This server cannot tell who asks, and takes no changes over HTTP.';
    }
    if (this.#behindProxies || !isLoopback(plain(bound.address))) {
      return 'This server is open to others, and takes no changes over HTTP until there are accounts. A server on HOST=127.0.0.1 without TRUSTED_PROXIES takes them from its own machine.';
    }
    return refusalOf(caller);
  }
}

function refusalOf({ headers, httpVersion, socket }: Caller): string | null {
  if (!isLoopback(plain(socket.remoteAddress ?? ''))) return 'Changes are taken from this machine only.';
  if (httpVersion === '1.0' || PROXY_HEADERS.some((name) => headers[name] !== undefined)) {
    return 'This request came through a proxy: nobody can tell from where. Ask the server directly, at 127.0.0.1.';
  }
  const host = hostOf(`http://${headers.host ?? ''}`);
  if (host === null || !isLoopbackName(host.hostname)) {
    return 'Changes are taken under the names localhost and 127.0.0.1 only: another name may belong to another site.';
  }
  const site = headers['sec-fetch-site'];
  const { origin } = headers;
  const foreign = origin !== undefined && hostOf(origin)?.host !== host.host;
  if (foreign || (site !== undefined && site !== 'same-origin' && site !== 'none')) {
    return 'Changes are not taken from pages of other sites.';
  }
  // What a form can send without asking first; a script of another site would have to ask, and is not allowed.
  if (!/^application\/json\s*(;|$)/i.test(headers['content-type'] ?? '')) {
    return 'Send the change as JSON, with content-type: application/json.';
  }
  return null;
}

function hostOf(url: string): URL | null {
  return URL.canParse(url) ? new URL(url) : null;
}

function isLoopbackName(name: string): boolean {
  return name === 'localhost' || name === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(name);
}

/** ::ffff:127.0.0.1 is 127.0.0.1 on a dual-stack server. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, '');
}
