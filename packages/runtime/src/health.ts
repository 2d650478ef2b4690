/** Health and metrics of a service, on a port that is not for the public. */
import { createServer, type Server } from 'node:http';
import { type AddressInfo } from 'node:net';
import { type Registry } from 'prom-client';

export interface HealthOptions {
  port: number;
  host: string;
  registry: Registry;
  /** Reasons why the service is not ready; empty when it is. */
  notReady(): string[];
  /** Reasons why it is not fit yet: container health asks until there are none, and never again. */
  unfit(): string[];
}

export interface HealthServer {
  readonly port: number;
  close(): Promise<void>;
}

export async function startHealthServer(options: HealthOptions): Promise<HealthServer> {
  // For container health: the restart of a database must not kill whoever waits for it.
  let hasBeenFit = false;
  const server = createServer((request, response) => {
    void (async () => {
      if (request.url === '/healthz') return response.writeHead(200).end('ok\n');
      if (request.url === '/readyz' || request.url === '/startupz') {
        const unfit = hasBeenFit ? [] : options.unfit();
        hasBeenFit ||= unfit.length === 0;
        const reasons = request.url === '/startupz' ? unfit : options.notReady();
        const status = reasons.length === 0 ? 200 : 503;
        response.writeHead(status, { 'content-type': 'application/json' });
        return response.end(JSON.stringify({ ready: reasons.length === 0, reasons }));
      }
      if (request.url === '/metrics') {
        const body = await options.registry.metrics();
        return response.writeHead(200, { 'content-type': options.registry.contentType }).end(body);
      }
      return response.writeHead(404).end();
    })().catch(() => response.writeHead(500).end());
  });
  await listen(server, options.port, options.host);
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function listen(server: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
