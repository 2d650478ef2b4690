/** Socket.IO in front of the hub: handshake, requests, limits. Everything a client sends is unknown until it is parsed. */
import type { Server as HttpServer } from 'node:http';
import {
  Handshake,
  PROTOCOL_VERSION,
  UnsubscribeRequest,
  type ClientToServerEvents,
  type ServerToClientEvents,
  type UnsubscribeAck,
  type WireError,
} from '@tapecast/contracts/socket';
import type { Logger } from '@tapecast/runtime/logger';
import { Server, type Socket } from 'socket.io';
import { z } from 'zod';
import { Encoded, encodedParser } from './encoded.ts';
import { FrameEncoder } from './frame-encoder.ts';
import { JsonMemo } from './json-memo.ts';
import type { Channel, Session } from './session.ts';
import { answerSubscribe, refuse, type SubscribeOptions } from './subscribe.ts';
import { TokenBucket } from './token-bucket.ts';

/** Larger messages end the connection before they are read; a full subscribe needs a quarter of it. */
const MOST_MESSAGE_BYTES = 256 * 1_024;
const BURST_REQUESTS = 60;
const REQUESTS_PER_SECOND = 20;
/** Told to move, clients come back within this time. */
const CLOSE_SPREAD_MS = 500;

export interface SocketServerOptions extends Omit<SubscribeOptions, 'memo'> {
  logger: Logger;
  path?: string;
}

type ClientSocket = Socket<ClientToServerEvents, ServerToClientEvents>;

export interface SocketServer {
  /** Tells every client to connect again, elsewhere or later. */
  close(): Promise<void>;
}

export function attachSocketServer(http: HttpServer, options: SocketServerOptions): SocketServer {
  const io = new Server<ClientToServerEvents, ServerToClientEvents>(http, {
    path: options.path ?? '/socket.io/',
    serveClient: false,
    parser: encodedParser,
    perMessageDeflate: false,
    httpCompression: false,
    maxHttpBufferSize: MOST_MESSAGE_BYTES,
    pingInterval: 10_000,
    pingTimeout: 8_000,
    connectTimeout: 10_000,
  });
  io.use((socket, next) => {
    const handshake = Handshake.safeParse(socket.handshake.auth);
    if (handshake.success) return next();
    const message = `this server speaks protocol ${PROTOCOL_VERSION}: connect with auth { protocol: ${PROTOCOL_VERSION} }, or reload the page`;
    const error: Error & { data?: WireError } = new Error(message);
    error.data = { code: 'unsupported_protocol', message };
    next(error);
  });
  const encoder = new FrameEncoder();
  const subscribing = { ...options, memo: new JsonMemo() };
  io.on('connection', (socket) => serve(socket, subscribing, encoder));
  return {
    async close() {
      const sockets = [...io.of('/').sockets.values()];
      await Promise.all(sockets.map((socket) => closeLater(socket)));
      // Ends what is left, the HTTP server too.
      await io.close();
    },
  };
}

function serve(socket: ClientSocket, options: SubscribeOptions & { logger: Logger }, encoder: FrameEncoder): void {
  const { hub, logger, metrics } = options;
  const session = hub.open(channelOf(socket, encoder));
  const bucket = new TokenBucket(BURST_REQUESTS, REQUESTS_PER_SECOND);
  socket.on('disconnect', () => hub.leave(session));
  socket.onAny((event: string, ...parameters: unknown[]) => {
    const ack = parameters.at(-1);
    if (typeof ack !== 'function') return;
    const answer = (reply: UnsubscribeAck | Encoded): void => {
      if (!(reply instanceof Encoded) && !reply.ok) metrics.refusals.inc({ code: reply.error.code });
      ack(reply);
    };
    const payload = parameters.length > 1 ? parameters[0] : undefined;
    if (!bucket.take()) {
      answer(refuse('rate_limited', `at most ${REQUESTS_PER_SECOND} requests a second; wait and ask again`));
    } else if (event === 'subscribe') {
      answerSubscribe(options, session, payload, answer).catch((err: unknown) =>
        logger.error({ err }, 'a subscribe could not be answered'),
      );
    } else if (event === 'unsubscribe') answer(unsubscribe(session, payload));
    else answer(refuse('bad_request', `there is no request ${event.slice(0, 32)}: use subscribe or unsubscribe`));
  });
}

/** What Engine.IO has and does not declare. */
interface Engine {
  readonly transport: {
    readonly name: string;
    readonly writable: boolean;
    readonly perMessageDeflate: unknown;
    readonly socket?: { readonly bufferedAmount: number };
  };
  readonly writeBuffer: { readonly data?: unknown }[];
  send(packet: string, options: { wsPreEncodedFrame: Buffer[] }): void;
}

/** Below Socket.IO's encoder, which would stringify the same for each client. */
function channelOf(socket: ClientSocket, encoder: FrameEncoder): Channel {
  const engine = socket.conn as unknown as Engine;
  return {
    get drained() {
      return engine.transport.writable && engine.writeBuffer.length === 0;
    },
    get bufferedBytes() {
      return engine.transport.socket?.bufferedAmount ?? 0;
    },
    send(event, items) {
      const frame = encoder.encode(event, items);
      const { name, perMessageDeflate } = engine.transport;
      const asItIs = name === 'websocket' && !perMessageDeflate;
      engine.send(asItIs ? '' : frame.text, { wsPreEncodedFrame: [frame.bytes] });
    },
  };
}

function unsubscribe(session: Session, payload: unknown): UnsubscribeAck {
  const parsed = UnsubscribeRequest.safeParse(payload);
  if (!parsed.success) return refuse('bad_request', z.prettifyError(parsed.error).slice(0, 1_000));
  for (const { ticker, resolution } of parsed.data.series) session.unsubscribe(ticker, resolution);
  return { ok: true };
}

/** Closing the transport, not the socket: clients take that for a lost connection and return by themselves. */
function closeLater(socket: ClientSocket): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => {
      socket.conn.close();
      resolve();
    }, Math.random() * CLOSE_SPREAD_MS);
  });
}
