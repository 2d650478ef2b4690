/** One HTTP server for pages, REST and sockets. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { SocketServer } from './hub/socket-server.ts';
import type { WebServices } from './services.ts';

export interface WebServer {
  /** `http://host:port` as it was bound. */
  readonly origin: string;
  readonly port: number;
  close(): Promise<void>;
}

export async function startWebServer(options: {
  services: WebServices;
  /** Answers everything that is not a socket: SvelteKit's handler. */
  handler: RequestListener;
  host: string;
  port: number;
}): Promise<WebServer> {
  const http = createServer(below(options.services.basePath, options.handler));
  // Node's closeAllConnections forgets those that became websockets.
  const connections = new Set<Socket>();
  http.on('connection', (connection) => {
    connections.add(connection);
    connection.once('close', () => connections.delete(connection));
  });
  const sockets = options.services.attach(http);
  await listen(http, options.port, options.host);
  const { port } = http.address() as AddressInfo;
  const host = options.host.includes(':') ? `[${options.host}]` : options.host;
  return { origin: `http://${host}:${port}`, port, close: () => close(http, options.services, sockets, connections) };
}

/** Probes ask at the root, whatever the public path is. */
const PROBES = new Set(['/healthz', '/readyz', '/edgez']);

/** Serves everything below a path: SvelteKit's pages find their own base by relative links. */
function below(basePath: string, handler: RequestListener): RequestListener {
  if (basePath === '') return handler;
  return (request, response) => {
    const url = request.url ?? '/';
    if (url.startsWith(`${basePath}/`)) request.url = url.slice(basePath.length);
    else if (url === basePath || url.startsWith(`${basePath}?`)) {
      response.writeHead(308, { location: `${basePath}/${url.slice(basePath.length)}` }).end();
      return;
    } else if (!PROBES.has(url)) {
      const body = {
        type: 'about:blank',
        title: 'Not Found',
        status: 404,
        detail: `Everything is below ${basePath}/.`,
      };
      response.writeHead(404, { 'content-type': 'application/problem+json' }).end(JSON.stringify(body));
      return;
    }
    handler(request, response);
  };
}

/**
 * When a server comes back, all its clients knock at once. Whoever finds the queue full (Node's default: 511) is not refused but left without
 * an answer, and tries again a second later, then three. Longer than what is served before clients give up, it would only hold the dead.
 */
const BACKLOG = 4_096;

function listen(http: Server, port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    http.once('error', reject);
    http.listen({ port, host, backlog: BACKLOG }, () => {
      http.off('error', reject);
      resolve();
    });
  });
}

const HANGING_MS = 2_000;

/**
 * Lets the edge notice while everybody is still served, then accepts nobody new, tells the clients to move, and ends
 * connections that do not answer.
 */
async function close(
  http: Server,
  { serving, edgeNoticeMs }: WebServices,
  sockets: SocketServer,
  connections: ReadonlySet<Socket>,
): Promise<void> {
  serving.leave();
  if (edgeNoticeMs > 0) await sleep(edgeNoticeMs);
  if (http.listening) http.close();
  const force = setTimeout(() => {
    for (const connection of connections) connection.destroy();
  }, sockets.drainMs + HANGING_MS);
  await sockets.close();
  clearTimeout(force);
}
