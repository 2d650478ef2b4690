/** The clients, in a process of their own: each notes when its handler saw which update. */
import type { BarsChange } from '@tapecast/contracts/socket';
import { io } from 'socket.io-client';
import { WebSocket } from 'ws';
import { TICKER, type Commit, type LoadReport, type LoadRequest } from './messages.ts';
import { quantile } from './quantile.ts';

const LATE_MS = 5_000;
/** Slowest updates that are told one by one. */
const SHOWN = 3;

interface Connected {
  close(): void;
}
let clients: Connected[] = [];
/** Arrivals by sequence number (the bar's close), one for each client. */
let arrivals = new Map<number, bigint[]>();

function note(changes: BarsChange[]): void {
  const now = process.hrtime.bigint();
  for (const { bars } of changes) {
    for (const [, , , , sequence] of bars) {
      if (sequence === null) continue;
      const known = arrivals.get(sequence);
      if (known === undefined) arrivals.set(sequence, [now]);
      else known.push(now);
    }
  }
}

async function connectHub(port: number): Promise<Connected> {
  const socket = io(`http://127.0.0.1:${port}`, { transports: ['websocket'], forceNew: true, auth: { protocol: 1 } });
  socket.on('bars', note);
  const request = { series: [{ ticker: TICKER, resolution: '1m' }] };
  const ack = (await socket.timeout(30_000).emitWithAck('subscribe', request)) as { ok: boolean };
  if (!ack.ok) throw new Error(`the hub refused a subscribe: ${JSON.stringify(ack)}`);
  return socket;
}

function connectWs(port: number): Promise<Connected> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}`, { perMessageDeflate: false });
  socket.on('message', (data: Buffer) => note((JSON.parse(data.toString().slice(2)) as [string, BarsChange[]])[1]));
  return new Promise((resolve, reject) => {
    socket.once('open', () => resolve(socket));
    socket.once('error', reject);
  });
}

async function connectAll({ kind, port, clients: count }: Extract<LoadRequest, { do: 'connect' }>): Promise<void> {
  for (const client of clients) client.close();
  clients = [];
  arrivals = new Map();
  while (clients.length < count) {
    const batch = Math.min(50, count - clients.length);
    clients.push(
      ...(await Promise.all(Array.from({ length: batch }, () => (kind === 'hub' ? connectHub : connectWs)(port)))),
    );
  }
}

async function report(commits: Commit[]): Promise<LoadReport> {
  const expected = commits.length * clients.length;
  const of = ({ sequence }: Commit) => arrivals.get(sequence) ?? [];
  const delivered = () => commits.reduce((sum, commit) => sum + of(commit).length, 0);
  for (let waited = 0; waited < LATE_MS && delivered() < expected; waited += 50) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const since = (at: string, arrival: bigint) => Math.max(0, Number(arrival - BigInt(at)) / 1e6);
  const latencies = commits.flatMap((commit) => of(commit).map((arrival) => since(commit.sentNs, arrival)));
  const afterCommit = commits.flatMap((commit) => of(commit).map((arrival) => since(commit.confirmedNs, arrival)));
  const updates = commits
    .map((commit) => {
      const times = of(commit).map((arrival) => since(commit.sentNs, arrival));
      const commitMs = since(commit.sentNs, BigInt(commit.confirmedNs));
      return { commitMs, firstMs: Math.min(...times), lastMs: Math.max(...times) };
    })
    .toSorted((left, right) => right.lastMs - left.lastMs);
  return {
    p50Ms: quantile(latencies, 0.5),
    p99Ms: quantile(latencies, 0.99),
    afterCommitP99Ms: quantile(afterCommit, 0.99),
    slowest: updates.slice(0, SHOWN),
    deliveries: latencies.length,
    missing: expected - latencies.length,
  };
}

process.on('message', (request: LoadRequest) => {
  const work = request.do === 'connect' ? connectAll(request).then(() => null) : report(request.commits);
  work.then(
    (answer) => process.send?.({ answer }),
    (error: unknown) => process.send?.({ error: String(error) }),
  );
});
process.once('disconnect', () => process.exit(0));
