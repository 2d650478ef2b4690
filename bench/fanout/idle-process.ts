/** Thousands of quiet clients of the real client library: what they cost, and how soon they are back. */
import { createClient, type Client } from '@tapecast/client/client';
import { answerAll } from './answers.ts';
import type { IdleRequest } from './messages.ts';

const CONNECT_AT_ONCE = 100;
const clients: Client[] = [];
const closes: number[] = [];

function connect(port: number, ticker: string): Promise<void> {
  const index = clients.length;
  const client = createClient({ origin: `http://127.0.0.1:${port}`, transports: ['websocket'] });
  clients.push(client);
  closes.push(Number.NaN);
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

answerAll<IdleRequest>((request) => (request.do === 'connect' ? connectAll(request) : awaitClose(request.close)));
process.once('disconnect', () => process.exit(0));
