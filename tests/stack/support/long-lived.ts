/** Two clients of the edge that live across test files, from the first look at it until something has to cut them. */
import { io, type Socket } from 'socket.io-client';
import { until } from './docker.ts';
import { listen, untilConnected, type Listener } from './listeners.ts';
import { origin } from './outside.ts';

export interface LongLived {
  /** Gets every change. */
  readonly busy: Listener;
  /** Asks for nothing and gets nothing but the protocol's pings. */
  readonly idle: Socket;
  readonly idleLosses: () => number;
  /** Milliseconds since 1970. */
  readonly since: number;
}

let clients: Promise<LongLived> | undefined;

/** All test files share this process (vitest.config.ts), and these. */
export function longLived(): Promise<LongLived> {
  return (clients ??= open());
}

async function open(): Promise<LongLived> {
  const busy = listen();
  let losses = 0;
  const idle = io(origin, { transports: ['websocket'], auth: { protocol: 1 } });
  idle.on('disconnect', () => (losses += 1));
  await untilConnected([busy]);
  await until('the idle socket is connected', async () => idle.connected || 'not yet');
  return { busy, idle, idleLosses: () => losses, since: Date.now() };
}

export async function endLongLived(): Promise<void> {
  const { busy, idle } = await longLived();
  busy.client.close();
  idle.close();
  clients = undefined;
}
