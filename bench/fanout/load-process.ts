/** Many thin clients in one process: what reached them when, and what they hold in the end. */
import type { BarsChange } from '@tapecast/contracts/socket';
import { answerAll } from './answers.ts';
import { isBare, monotonicMs, type LoadReport, type LoadRequest } from './messages.ts';
import { ThinClient, type Recovery } from './thin-client.ts';

const CONNECT_AT_ONCE = 50;
/**
 * This process looks at its sockets every few milliseconds, as a network card gathers packets. On loopback each packet
 * would otherwise wake it, and the server would pay for that; clients elsewhere cost it nothing of the kind. What it adds
 * to latencies is counted.
 */
const NAP_MS = 4;
const LATE_MS = 15_000;

const clients: ThinClient[] = [];
let frames = 0;
/** Bare `ws` sends newest bars without a thought of what came before. */
let checked = true;
let gaps = 0;
let recoveries: Recovery[] = [];
let snapshots = 0;
/** Latencies in steps of 0.1 ms, up to a minute. */
const STEP_MS = 0.1;
const latencies = new Uint32Array(600_000);

function take(client: ThinClient, changes: BarsChange[]): void {
  const now = monotonicMs();
  frames += 1;
  for (const { ticker, prev, revision, bars } of changes) {
    const held = client.held.get(ticker);
    if (held === undefined || revision <= held.revision) continue;
    if (held.revision === -1) held.begun = prev;
    else if (prev > held.revision && checked) gaps += 1;
    held.revision = revision;
    const [, , , , close = null, at = null] = bars.at(-1) ?? [];
    held.close = close;
    if (at === null) continue;
    const step = Math.min(latencies.length - 1, Math.max(0, Math.floor((now - at) / STEP_MS)));
    latencies[step] = (latencies[step] ?? 0) + 1;
  }
}

async function connectAll({ kind, port, clients: count, tickers }: Extract<LoadRequest, { do: 'connect' }>) {
  checked = !isBare(kind);
  while (clients.length < count) {
    const batch = Math.min(CONNECT_AT_ONCE, count - clients.length);
    const added = Array.from(
      { length: batch },
      (_, index) =>
        new ThinClient({
          port,
          tickers: tickers[(clients.length + index) % tickers.length] ?? [],
          bare: isBare(kind),
          compressed: kind === 'hub-compressed',
          hear: take,
          onRecovery: (recovery) => recoveries.push(recovery),
          onSnapshot: () => (snapshots += 1),
        }),
    );
    await Promise.all(added.map(({ ready }) => ready));
    clients.push(...added);
  }
}

function begin(): void {
  frames = 0;
  gaps = 0;
  snapshots = 0;
  recoveries = [];
  latencies.fill(0);
  for (const { held } of clients) for (const each of held.values()) each.begun = each.revision;
}

async function report(rows: [ticker: string, revision: number, close: number][]): Promise<LoadReport> {
  const expectedOf = new Map(rows.map(([ticker, revision, close]) => [ticker, { revision, close }]));
  const series = () => clients.flatMap(({ held }) => [...held].map(([ticker, each]) => ({ ...each, ticker })));
  const complete = () => series().every(({ ticker, revision }) => revision === expectedOf.get(ticker)?.revision);
  const until = monotonicMs() + LATE_MS;
  while (!complete() && monotonicMs() < until) await new Promise((resolve) => setTimeout(resolve, 100));
  let delivered = 0;
  let expected = 0;
  let wrong = 0;
  for (const { ticker, revision, begun, close } of series()) {
    const row = expectedOf.get(ticker);
    delivered += revision - begun;
    expected += (row?.revision ?? 0) - begun;
    if (row?.revision !== revision || row.close !== close) wrong += 1;
  }
  const bytes = clients.reduce((sum, client) => sum + client.bytes, 0);
  return {
    ...{ delivered, expected, frames, bytes, wrong, gaps, snapshots, recoveries },
    p50Ms: quantile(0.5),
    p99Ms: quantile(0.99),
  };
}

function quantile(level: number): number {
  const total = latencies.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [step, count] of latencies.entries()) {
    seen += count;
    if (seen > level * total) return step * STEP_MS;
  }
  return Number.NaN;
}

answerAll<LoadRequest>(async (request) => {
  if (request.do === 'connect') return connectAll(request);
  if (request.do === 'begin') return begin();
  if (request.do === 'report') return report(request.rows);
  for (const client of clients) client.cut();
});
const sleeper = new Int32Array(new SharedArrayBuffer(4));
function nap(): void {
  Atomics.wait(sleeper, 0, 0, NAP_MS);
  setImmediate(nap);
}
nap();
process.once('disconnect', () => process.exit(0));
