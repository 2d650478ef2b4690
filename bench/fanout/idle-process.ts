/** Thousands of quiet clients of the real client library: what they cost, and how soon they are back. */
import { createClient, type Client } from '@tapecast/client/client';
import { answerAll } from './answers.ts';
import type { IdleRequest } from './messages.ts';

const CONNECT_AT_ONCE = 100;
const clients: Client[] = [];
const closes: number[] = [];
/** From the loss of a connection to the ack of the resume, ms. */
let recoveries: number[] = [];

function connect(port: number, ticker: string): Promise<void> {
  const index = clients.length;
  const client = createClient({ origin: `http://127.0.0.1:${port}`, transports: ['websocket'] });
  clients.push(client);
  closes.push(Number.NaN);
  let lostAt: number | null = null;
  client.onConnection(({ state }) => {
    if (state === 'reconnecting') lostAt ??= performance.now();
  });
  const hear = (close: number | null | undefined) => {
    closes[index] = close ?? Number.NaN;
  };
  return new Promise((resolve) => {
    client.subscribe(
      { ticker, resolution: '1m', limit: 100 },
      {
        snapshot: ({ bars }) => {
          hear(bars.at(-1)?.[4]);
          resolve();
        },
        change: (bars) => hear(bars.at(-1)?.[4]),
        // Comes with each ack.
        status: () => {
          if (lostAt === null || client.connection.state !== 'connected') return;
          recoveries.push(performance.now() - lostAt);
          lostAt = null;
        },
      },
    );
  });
}

async function connectAll({ port, clients: count, ticker }: Extract<IdleRequest, { do: 'connect' }>): Promise<void> {
  while (clients.length < count) {
    const batch = Math.min(CONNECT_AT_ONCE, count - clients.length);
    await Promise.all(Array.from({ length: batch }, () => connect(port, ticker)));
  }
}

async function awaitClose(close: number): Promise<void> {
  const missing = () => closes.reduce((sum, held) => sum + (held === close ? 0 : 1), 0);
  await new Promise<void>((resolve) => {
    const check = setInterval(() => {
      if (missing() > 0) return;
      clearInterval(check);
      resolve();
    }, 20);
  });
}

answerAll<IdleRequest>(async (request) => {
  if (request.do === 'connect') return connectAll(request);
  if (request.do === 'await') return awaitClose(request.close);
  const taken = recoveries.sort((left, right) => left - right);
  recoveries = [];
  return taken;
});
process.once('disconnect', () => process.exit(0));
