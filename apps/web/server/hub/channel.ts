/**
 * A client's way out. Frames that are made for many go straight to the WebSocket's TCP socket, past the bookkeeping that
 * Socket.IO and Engine.IO do for each packet: that is most of what a frame costs. Where anything is in the way (long-polling,
 * compression, packets of theirs that still wait), it goes through them.
 */
import type { Socket as TcpSocket } from 'node:net';
import type { Socket } from 'socket.io';
import type { FrameEncoder } from './frame-encoder.ts';
import type { Channel } from './session.ts';

/** What Engine.IO has and does not declare. */
export interface Engine {
  on(event: 'packet', listener: (packet: { type: string }) => void): void;
  readonly readyState: string;
  readonly transport: {
    readonly name: string;
    readonly writable: boolean;
    readonly perMessageDeflate?: unknown;
    readonly socket?: {
      readonly readyState: number;
      readonly bufferedAmount: number;
      readonly _socket?: TcpSocket | null;
      pause?(): void;
      resume?(): void;
      terminate?(): void;
    };
  };
  readonly writeBuffer: unknown[];
  send(packet: string, options: { wsPreEncodedFrame: Buffer[] }): void;
}

/** WebSocket.OPEN */
const OPEN = 1;

export function engineOf(socket: Socket): Engine {
  return socket.conn as unknown as Engine;
}

type Transport = Engine['transport'];

export function channelOf(engine: Engine, encoder: FrameEncoder): Channel {
  // Once it is a WebSocket it stays one: looked up once, since this is asked for every frame.
  let way: { transport: Transport; socket: NonNullable<Transport['socket']>; tcp: TcpSocket } | null = null;
  const direct = () => {
    const { transport } = engine;
    const tcp = transport.socket?._socket;
    if (transport.name !== 'websocket' || transport.perMessageDeflate || transport.socket === undefined || !tcp)
      return null;
    return (way = { transport, socket: transport.socket, tcp });
  };
  return {
    // A transport that is writable has nothing waiting in front of it.
    get drained() {
      const straight = way ?? direct();
      if (straight === null) return engine.transport.writable && engine.writeBuffer.length === 0;
      return straight.transport.writable && straight.tcp.writableLength === 0;
    },
    get bufferedBytes() {
      return engine.transport.socket?.bufferedAmount ?? 0;
    },
    send(event, items) {
      const frame = encoder.encode(event, items);
      const straight = way ?? direct();
      if (straight === null) engine.send(frame.text, { wsPreEncodedFrame: [frame.bytes] });
      else if (!straight.transport.writable) engine.send('', { wsPreEncodedFrame: [frame.bytes] });
      else if (straight.socket.readyState === OPEN && straight.tcp.writable) straight.tcp.write(frame.latin1, 'latin1');
    },
  };
}
