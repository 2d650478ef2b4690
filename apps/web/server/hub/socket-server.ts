/** Socket.IO in front of the hub: handshake, requests, limits. Everything a client sends is unknown until it is parsed. */
import type { IncomingMessage, Server as HttpServer } from 'node:http';
import {
  Handshake,
  PROTOCOL_VERSION,
  UnsubscribeRequest,
  type ClientToServerEvents,
  type ServerToClientEvents,
  type UnsubscribeAck,
  type WatchLabAck,
  type WireError,
} from '@tapecast/contracts/socket';
import type { Logger } from '@tapecast/runtime/logger';
import { Server, type Socket } from 'socket.io';
import { z } from 'zod';
import type { TrustedProxies } from '../client-address.ts';
import type { Limits } from '../limits.ts';
import type { AllowedOrigins } from '../origins.ts';
import { AddressCount } from './address-count.ts';
import { ClientChannel, engineOf } from './channel.ts';
import { Encoded, encodedParser } from './encoded.ts';
import { FrameEncoder } from './frame-encoder.ts';
import type { Hub } from './hub.ts';
import { JsonMemo } from './json-memo.ts';
import type { LabBoard } from './lab-board.ts';
import type { HubMetrics } from './metrics.ts';
import type { Session } from './session.ts';
import { answerSubscribe, refuse, type SubscribeOptions } from './subscribe.ts';
import { throttle } from './throttle.ts';
import { TokenBucket } from './token-bucket.ts';

/** Of what a client that sends too much has on its way by then, so much is answered. */
const BURSTS_ON_THEIR_WAY = 4;
const REFUSED_LEAVE_MS = 1_000;
const COMPRESSED_FROM_BYTES = 1_024;

export interface SocketServerOptions {
  hub: Hub;
  lab: LabBoard;
  metrics: HubMetrics;
  logger: Logger;
  limits: Limits;
  proxies: TrustedProxies;
  origins: AllowedOrigins;
  path: string;
  /** permessage-deflate: fewer bytes for more CPU, and each frame is then made for each client. */
  compression: boolean;
  /** Told to move, clients leave spread over this time. */
  drainMs: number;
}

type Serving = SocketServerOptions & SubscribeOptions;

type ClientSocket = Socket<ClientToServerEvents, ServerToClientEvents>;

export interface SocketServer {
  /** How long the clients' leaving takes. */
  readonly drainMs: number;
  /** Tells every client to connect again, elsewhere or later. */
  close(): Promise<void>;
}

export function attachSocketServer(http: HttpServer, options: SocketServerOptions): SocketServer {
  const { limits, origins, proxies } = options;
  const io = new Server<ClientToServerEvents, ServerToClientEvents>(http, {
    path: options.path,
    serveClient: false,
    parser: encodedParser,
    perMessageDeflate: options.compression ? { threshold: COMPRESSED_FROM_BYTES } : false,
    httpCompression: options.compression,
    maxHttpBufferSize: limits.messageBytes,
    pingInterval: 10_000,
    pingTimeout: 8_000,
    connectTimeout: 10_000,
    cors: { origin: (origin, callback) => callback(null, origin !== undefined && origins.isNamed(origin)) },
  });
  const addresses = new AddressCount(limits.connectionsPerAddress);
  io.engine.on(
    'connection',
    (connection: { request: IncomingMessage; once(event: 'close', task: () => void): void }) => {
      const address = proxies.clientAddress(connection.request);
      addresses.enter(address);
      connection.once('close', () => addresses.leave(address));
    },
  );
  io.use((socket, next) => {
    const refusal = refusalOf(socket, addresses, options);
    if (refusal === null) return next();
    options.metrics.refusals.inc({ code: refusal.code });
    // Whoever does not leave by itself is shown out.
    setTimeout(() => socket.conn.close(), REFUSED_LEAVE_MS);
    next(Object.assign(new Error(refusal.message), { data: refusal }));
  });
  const encoder = new FrameEncoder();
  const subscribing = { ...options, maxSeriesPerSocket: limits.seriesPerSocket, memo: new JsonMemo() };
  io.on('connection', (socket) => serve(socket, subscribing, encoder));
  return {
    drainMs: options.drainMs,
    async close() {
      const sockets = [...io.of('/').sockets.values()];
      await Promise.all(sockets.map((socket) => closeLater(socket, Math.random() * options.drainMs)));
      // Ends what is left, the HTTP server too.
      await io.close();
    },
  };
}

function refusalOf(
  socket: ClientSocket,
  addresses: AddressCount,
  { limits, origins, proxies }: SocketServerOptions,
): WireError | null {
  if (!Handshake.safeParse(socket.handshake.auth).success) {
    const message = `this server speaks protocol ${PROTOCOL_VERSION}: connect with auth { protocol: ${PROTOCOL_VERSION} }, or reload the page`;
    return { code: 'unsupported_protocol', message };
  }
  if (!origins.allows(socket.request)) {
    return { code: 'forbidden_origin', message: 'pages of this origin may not connect; the operator can allow it' };
  }
  if (addresses.isOver(proxies.clientAddress(socket.request))) {
    const message = `an address may have ${limits.connectionsPerAddress} connections; close some, or share one`;
    return { code: 'too_many_connections', message };
  }
  return null;
}

function serve(socket: ClientSocket, options: Serving, encoder: FrameEncoder): void {
  const { hub, logger, metrics } = options;
  const session = hub.open(new ClientChannel(engineOf(socket), encoder));
  const { requestBurst, requestsPerSecond } = options.limits;
  const bucket = new TokenBucket(requestBurst, requestsPerSecond);
  throttle(engineOf(socket), {
    bucket: new TokenBucket(2 * requestBurst, 2 * requestsPerSecond),
    mostBeyond: BURSTS_ON_THEIR_WAY * requestBurst,
    onFlood() {
      metrics.refusals.inc({ code: 'flood' });
      // After the answers to what came before, which Socket.IO puts off to the end of this turn.
      setImmediate(() => socket.disconnect(true));
      // It is not read from any more, so it would not be heard to leave.
      setTimeout(() => engineOf(socket).transport.socket?.terminate?.(), REFUSED_LEAVE_MS);
    },
  });
  socket.on('disconnect', () => {
    hub.leave(session);
    options.lab.leave(socket);
  });
  socket.onAny((event: string, ...parameters: unknown[]) => {
    const ack = parameters.at(-1);
    if (typeof ack !== 'function') return;
    const answer = (reply: UnsubscribeAck | WatchLabAck | Encoded): void => {
      if (!(reply instanceof Encoded) && !reply.ok) metrics.refusals.inc({ code: reply.error.code });
      ack(reply);
    };
    const payload = parameters.length > 1 ? parameters[0] : undefined;
    if (!bucket.take()) {
      answer(refuse('rate_limited', `at most ${requestsPerSecond} requests a second; wait and ask again`));
    } else if (event === 'subscribe') {
      answerSubscribe(options, session, payload, answer).catch((err: unknown) =>
        logger.error({ err }, 'a subscribe could not be answered'),
      );
    } else if (event === 'unsubscribe') answer(unsubscribe(session, payload));
    else if (event === 'watchLab') void options.lab.watch(socket, payload).then(answer);
    else
      answer(
        refuse('bad_request', `there is no request ${event.slice(0, 32)}: use subscribe, unsubscribe or watchLab`),
      );
  });
}

function unsubscribe(session: Session, payload: unknown): UnsubscribeAck {
  const parsed = UnsubscribeRequest.safeParse(payload);
  if (!parsed.success) return refuse('bad_request', z.prettifyError(parsed.error).slice(0, 1_000));
  for (const { ticker, resolution } of parsed.data.series) session.unsubscribe(ticker, resolution);
  return { ok: true };
}

/** Closing the transport, not the socket: clients take that for a lost connection and return by themselves. */
function closeLater(socket: ClientSocket, delayMs: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(() => {
      socket.conn.close();
      resolve();
    }, delayMs);
  });
}
