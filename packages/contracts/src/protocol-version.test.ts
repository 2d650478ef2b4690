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
} from './socket.ts';
import { Forecast } from './forecast.ts';

const WIRE = {
  Handshake,
  SubscribeRequest,
  SubscribeAck,
  UnsubscribeRequest,
  UnsubscribeAck,
  BarsChange,
  Forecast,
  Status,
};

function hashOfWire(): string {
  const schemas = Object.entries(WIRE).map(([name, schema]) => [name, z.toJSONSchema(schema, { io: 'input' })]);
  return createHash('sha256').update(JSON.stringify(schemas)).digest('hex').slice(0, 16);
}

it('speaks the version that its schemas were reviewed for', () => {
  expect({ version: PROTOCOL_VERSION, schemas: hashOfWire() }).toEqual({ version: 1, schemas: '12b4dc768ef5eb39' });
});
