import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { expect, it } from 'vitest';
import { FrameEncoder } from './frame-encoder.ts';

/** By a library, over a real connection: what is not its own reading of the bytes proves nothing. */
async function payloadOf(bytes: Buffer): Promise<string> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  // Past the library, as the hub writes.
  server.on('connection', (_socket, request) => request.socket.write(bytes));
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const [data] = (await once(client, 'message')) as [Buffer];
  client.terminate();
  server.close();
  return data.toString();
}

it.each([0, 1, 90, 106, 107, 65_000, 65_517, 65_518, 200_000])(
  'makes a frame of a text of %i characters that others can read',
  async (length) => {
    const items = [{ text: 'é'.repeat(length % 7) + 'x'.repeat(length) }, { second: 1 }];
    const frame = new FrameEncoder().encode('status', items);
    const payload = await payloadOf(frame.bytes);
    expect(payload).toBe(`42${JSON.stringify(['status', items])}`);
    expect(frame.text).toBe(payload.slice(1));
  },
);

it('makes one frame for all who are due the same, and another for who is due something else', () => {
  const encoder = new FrameEncoder();
  const [one, two, three] = [{ a: 1 }, { a: 2 }, { a: 1 }];
  expect(encoder.encode('bars', [one, two])).toBe(encoder.encode('bars', [one, two]));
  for (const other of [[two, one], [one], [one, three], [three, two]]) {
    const frame = encoder.encode('bars', other);
    expect(frame).not.toBe(encoder.encode('bars', [one, two]));
    expect(frame.text).toBe(`2${JSON.stringify(['bars', other])}`);
  }
  expect(encoder.encode('status', [one]).text).toBe('2["status",[{"a":1}]]');
  expect(encoder.encode('bars', [one]).text).toBe('2["bars",[{"a":1}]]');
});

it('never takes one frame for another, however many there are', () => {
  const encoder = new FrameEncoder();
  const items = Array.from({ length: 500 }, (_, number) => ({ number }));
  for (const round of [0, 1]) {
    for (const [index, item] of items.entries()) {
      const due = [item, items[(index + round + 1) % items.length] as object];
      expect(encoder.encode('bars', due).text).toBe(`2${JSON.stringify(['bars', due])}`);
      expect(encoder.encode('bars', due)).toBe(encoder.encode('bars', [...due]));
    }
  }
});
