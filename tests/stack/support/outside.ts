/** What somebody outside sees: the stack's names lead to this machine, and its certificates hang on the tests' authority. */
import dns from 'node:dns';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { request as httpsRequest } from 'node:https';
import tls from 'node:tls';
import { describe, inject } from 'vitest';

export const world = inject('stack');
/** A `describe` for what needs the stack: skipped where there can be none, which tests/known-skips.json excuses. */
export const onStack = describe.skipIf(world.cannotRun !== null);
export const origin = `https://${world.domain}`;

const lookup = dns.lookup.bind(dns) as (name: string, options: object, done: Done) => void;
type Done = (error: Error | null, address: string | { address: string; family: number }[], family?: number) => void;

/** Sockets of this process find the stack by its names. */
dns.lookup = ((name: string, options: { all?: boolean }, done: Done) => {
  if (name !== world.domain && !name.endsWith(`.${world.domain}`)) return lookup(name, options, done);
  const address = world.edge;
  return options.all === true ? done(null, [{ address, family: 4 }]) : done(null, address, 4);
}) as typeof dns.lookup;
if (world.root !== '') tls.setDefaultCACertificates([...tls.getCACertificates('default'), world.root]);

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  body: string;
}

/** One request on a connection of its own, following nothing. */
export function ask(url: string, headers: Record<string, string> = {}): Promise<Reply> {
  const request = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    // Another Host header alone would ask for that host's certificate as well.
    const options = { headers, servername: new URL(url).hostname, agent: false, timeout: 20_000 };
    const asked = request(url, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (text: string) => (body += text));
      response.once('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body }));
      response.once('error', reject);
    });
    asked.once('timeout', () => asked.destroy(new Error(`${url} did not answer in time`)));
    asked.once('error', reject);
    asked.end();
  });
}
