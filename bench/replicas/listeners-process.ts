/** As many LISTEN connections as there would be web replicas, and nothing behind them: `listeners-process.ts <database>` */
import { BARS_CHANNEL } from '@tapecast/contracts/notify';
import pg from 'pg';
import { answerAll } from '../fanout/answers.ts';
import { monotonicMs } from '../fanout/messages.ts';

export type ListenersRequest =
  | { do: 'listen'; connections: number }
  /** Answered with the times (monotonic, ms) at which the last connection had heard of each commit since the last question, rising. */
  | { do: 'heard'; commits: number };

const [url] = process.argv.slice(2);
const clients: pg.Client[] = [];
/** By payload: its connections so far, and when the newest of them heard it. */
const heard = new Map<string, { connections: number; at: number }>();
const PATIENCE_MS = 30_000;

async function listen(connections: number): Promise<void> {
  while (clients.length < connections) {
    const client = new pg.Client({ connectionString: url, application_name: 'bench listener' });
    client.on('notification', ({ payload = '' }) => {
      heard.set(payload, { connections: (heard.get(payload)?.connections ?? 0) + 1, at: monotonicMs() });
    });
    await client.connect();
    await client.query(`LISTEN ${BARS_CHANNEL}`);
    clients.push(client);
  }
  heard.clear();
}

async function timesOf(commits: number): Promise<number[]> {
  const complete = () => [...heard.values()].filter(({ connections }) => connections === clients.length);
  const until = monotonicMs() + PATIENCE_MS;
  while (complete().length < commits && monotonicMs() < until) await new Promise((resolve) => setTimeout(resolve, 50));
  const times = complete().map(({ at }) => at);
  heard.clear();
  return times.sort((left, right) => left - right);
}

answerAll<ListenersRequest>((request) =>
  request.do === 'listen' ? listen(request.connections) : timesOf(request.commits),
);
process.once('disconnect', () => process.exit(0));
