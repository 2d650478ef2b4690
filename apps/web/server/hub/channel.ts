/**
 * A client's way out. Frames that are made for many go straight to the WebSocket's TCP socket, past the bookkeeping that
 * Socket.IO and Engine.IO do for each packet: that is most of what a frame costs. Where anything is in the way (long-polling,
 * compression, packets of theirs that still wait), it goes through them.
 */
import type { Socket as TcpSocket } from 'node:net';
import type { Socket } from 'socket.io';
import type { FrameEncoder, FrameEvent } from './frame-encoder.ts';
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

export class ClientChannel implements Channel {
  readonly #engine: Engine;
  readonly #encoder: FrameEncoder;
  // Once it is a WebSocket it stays one: looked up once, since this is asked for every frame.
  #transport: Transport | null = null;
  #socket: NonNullable<Transport['socket']> | null = null;
  #tcp: TcpSocket | null = null;

  constructor(engine: Engine, encoder: FrameEncoder) {
    this.#engine = engine;
    this.#encoder = encoder;
  }

  // A transport that is writable has nothing waiting in front of it.
  get drained(): boolean {
    if (this.#isDirect()) return this.#transport?.writable === true && this.#tcp?.writableLength === 0;
    return this.#engine.transport.writable && this.#engine.writeBuffer.length === 0;
  }

  get bufferedBytes(): number {
    return this.#engine.transport.socket?.bufferedAmount ?? 0;
  }

  send(event: FrameEvent, items: readonly object[]): void {
    const frame = this.#encoder.encode(event, items);
    if (!this.#isDirect()) this.#engine.send(frame.text, { wsPreEncodedFrame: [frame.bytes] });
    else if (this.#transport?.writable !== true) this.#engine.send('', { wsPreEncodedFrame: [frame.bytes] });
    else if (this.#socket?.readyState === OPEN && this.#tcp?.writable === true) this.#tcp.write(frame.latin1, 'latin1');
  }

  #isDirect(): boolean {
    if (this.#tcp !== null) return true;
    const { transport } = this.#engine;
    const tcp = transport.socket?._socket;
    if (transport.name !== 'websocket' || transport.perMessageDeflate || transport.socket === undefined || !tcp)
      return false;
    this.#transport = transport;
    this.#socket = transport.socket;
    this.#tcp = tcp;
    return true;
  }
}
