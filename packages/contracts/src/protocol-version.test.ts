/**
 * A changed wire schema fails here until someone has decided: can an old client misread it? Then raise PROTOCOL_VERSION.
 * An addition that old clients may ignore only needs the new hash.
 */
import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { z } from 'zod';
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
} from './socket.ts';
import { Forecast } from './forecast.ts';
import { LabProgress } from './lab.ts';

const WIRE = {
  Handshake,
  SubscribeRequest,
  SubscribeAck,
  UnsubscribeRequest,
  UnsubscribeAck,
  BarsChange,
  Forecast,
  Status,
  WatchLabRequest,
  WatchLabAck,
  LabProgress,
};

function hashOfWire(): string {
  const schemas = Object.entries(WIRE).map(([name, schema]) => [name, z.toJSONSchema(schema, { io: 'input' })]);
  return createHash('sha256').update(JSON.stringify(schemas)).digest('hex').slice(0, 16);
}

it('speaks the version that its schemas were reviewed for', () => {
  expect({ version: PROTOCOL_VERSION, schemas: hashOfWire() }).toEqual({ version: 1, schemas: '00252ffa2578ac6b' });
});
