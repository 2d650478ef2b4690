/** `GET /api/asyncapi.json`: the socket contract as AsyncAPI 3.0, made from the schemas that validate it. */
import { Forecast } from '@tapecast/contracts/forecast';
import { LabProgress } from '@tapecast/contracts/lab';
import {
  BarsChange,
  Handshake,
  PROTOCOL_VERSION,
  Status,
  SubscribeAck,
  SubscribeRequest,
  UnsubscribeAck,
  UnsubscribeRequest,
  WatchLabAck,
  WatchLabRequest,
} from '@tapecast/contracts/socket';
import { z } from 'zod';

type Json = Record<string, unknown>;

const MESSAGES = {
  subscribe: message('Begin to watch series; the ack holds their states', SubscribeRequest),
  subscribeAck: message('Snapshot or resume of each series, or a typed error', SubscribeAck),
  unsubscribe: message('Stop watching series', UnsubscribeRequest),
  unsubscribeAck: message('Nothing more of these series is sent', UnsubscribeAck),
  watchLab: message('From now on hear of the progress of these runs of the lab', WatchLabRequest),
  watchLabAck: message('Where they stand now', WatchLabAck),
  bars: message('All changes of bars that are due to this client, in one frame', z.array(BarsChange)),
  forecasts: message('Newest forecasts; the last by madeAt wins', z.array(Forecast)),
  status: message('Freshness and heads, on change and every few seconds', z.array(Status)),
  lab: message('Progress of watched runs of the lab', z.array(LabProgress)),
};

export function asyncApiDocument(basePath: string): Json {
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Tapecast live',
      version: String(PROTOCOL_VERSION),
      description:
        'Socket.IO events in the namespace `/`. Acks are Socket.IO acknowledgements. Rules of prev and revision: docs/protocol.md.',
    },
    servers: {
      here: { host: 'localhost:3000', protocol: 'socket.io', pathname: `${basePath}/socket.io/`, bindings: {} },
    },
    channels: {
      root: {
        address: '/',
        bindings: { 'x-socket.io': { auth: schemaOf(Handshake) } },
        messages: Object.fromEntries(
          Object.keys(MESSAGES).map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
      },
    },
    operations: {
      subscribe: { ...operation('receive', ['subscribe']), reply: reply('subscribeAck') },
      unsubscribe: { ...operation('receive', ['unsubscribe']), reply: reply('unsubscribeAck') },
      watchLab: { ...operation('receive', ['watchLab']), reply: reply('watchLabAck') },
      push: operation('send', ['bars', 'forecasts', 'status', 'lab']),
    },
    components: {
      messages: Object.fromEntries(Object.entries(MESSAGES).map(([name, each]) => [name, { name, ...each }])),
    },
  };
}

function message(summary: string, schema: z.ZodType): Json {
  return { summary, contentType: 'application/json', payload: schemaOf(schema) };
}

function operation(action: 'send' | 'receive', names: string[]): Json {
  return { action, channel: { $ref: '#/channels/root' }, messages: names.map(inChannel) };
}

function reply(name: string): Json {
  return { channel: { $ref: '#/channels/root' }, messages: [inChannel(name)] };
}

function inChannel(name: string): Json {
  return { $ref: `#/channels/root/messages/${name}` };
}

function schemaOf(schema: z.ZodType): Json {
  return { ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), $schema: undefined };
}
