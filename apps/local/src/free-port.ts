import { createServer, type AddressInfo } from 'node:net';

/**
 * A TCP port that nobody listens on right now. Another process may take it before it is used: who gets it must be ready
 * to ask for another.
 *
 * @param preferred tried first, so that a port stays the same from one start to the next where possible
 */
export async function freePort(host = '127.0.0.1', preferred?: number): Promise<number> {
  if (preferred !== undefined) {
    const port = await tryPort(host, preferred).catch(() => null);
    if (port !== null) return port;
  }
  return tryPort(host, 0);
}

function tryPort(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen({ port, host, exclusive: true }, () => {
      const chosen = (server.address() as AddressInfo).port;
      server.close(() => resolve(chosen));
    });
  });
}
