/** A TCP connection that a test can cut, hold up or refuse: a database or a network that fails. */
import { createServer, connect, type AddressInfo, type Socket } from 'node:net';

export interface TcpProxy {
  readonly port: number;
  /** Breaks all connections; new ones are refused until `restore`. */
  cut(): void;
  /** Breaks all connections, but takes new ones. */
  reset(): void;
  /** Bytes vanish without a word, as behind a firewall that forgot the connection. */
  blackhole(): void;
  restore(): void;
  /** The same for the connections that are open now; new ones pass. */
  forgetConnections(): void;
  close(): Promise<void>;
}

export async function startTcpProxy(target: { host: string; port: number }): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  const forgotten = new WeakSet<Socket>();
  let mode: 'open' | 'cut' | 'blackhole' = 'open';
  const server = createServer((near) => {
    if (mode === 'cut') return near.destroy();
    const far = connect(target.port, target.host);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.on('error', () => undefined);
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('data', (bytes) => {
        if (mode !== 'blackhole' && !forgotten.has(from)) to.write(bytes);
      });
    }
  });
  // As long as the web server's own, or storms would be held up here.
  await new Promise<void>((resolve) => server.listen({ port: 0, host: '127.0.0.1', backlog: 4_096 }, resolve));
  const reset = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    cut() {
      mode = 'cut';
      reset();
    },
    reset,
    blackhole() {
      mode = 'blackhole';
    },
    forgetConnections() {
      for (const socket of sockets) forgotten.add(socket);
    },
    restore() {
      // What was swallowed is lost: such a connection cannot go on.
      if (mode === 'blackhole') reset();
      mode = 'open';
    },
    close() {
      reset();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
