/** The baseline: LISTEN, the same bytes as the hub's frame made once, `ws` sends them to everyone. Nothing else. */
import type { AddressInfo } from 'node:net';
import { BARS_CHANNEL, type BarsHint } from '@tapecast/contracts/notify';
import pg from 'pg';
import { WebSocketServer } from 'ws';
import type { ServerReady } from './messages.ts';

const client = new pg.Client({ connectionString: process.argv[2] ?? '' });
await client.connect();
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
client.on('notification', ({ payload }) => {
  const hint = JSON.parse(payload ?? '{}') as BarsHint;
  const changes = hint.series.map((change) => ({ epoch: hint.epoch, ...change }));
  const frame = `42${JSON.stringify(['bars', changes])}`;
  for (const socket of server.clients) socket.send(frame);
});
await client.query(`LISTEN ${BARS_CHANNEL}`);
process.send?.({ port: (server.address() as AddressInfo).port } satisfies ServerReady);
process.once('disconnect', () => {
  for (const socket of server.clients) socket.terminate();
  server.close();
  void client.end();
});
