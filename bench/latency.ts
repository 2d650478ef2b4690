/**
 * From commit to the client's handler: the hub beside bare `ws` sending the same bytes, in the same run.
 * Hub, baseline and clients are processes of their own; updates come one at a time, as on a calm market.
 * The time starts just before COMMIT is sent, so it includes the commit itself, for both alike.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import {
  BAR_TIME,
  TICKER,
  type Commit,
  type Kind,
  type LoadReport,
  type LoadRequest,
  type ServerReady,
} from './latency/messages.ts';
import { endChild, nextMessage, openBenchDatabase, startChild } from './latency/world.ts';

const { values } = parseArgs({
  options: { updates: { type: 'string', default: '100' }, clients: { type: 'string', default: '1,100,1000' } },
});
const updates = Number(values.updates);
const counts = values.clients.split(',').map(Number);
const WARM_UP = 10;

console.log('Starting a database of our own …');
const database = await openBenchDatabase();
const children = {
  hub: startChild('./hub-process.ts', database.webUrl),
  ws: startChild('./ws-process.ts', database.webUrl),
  load: startChild('./load-process.ts'),
};
const writer = new pg.Client({ connectionString: database.ingestorUrl, application_name: 'bench writer' });
let sequence = 0;

async function ask(request: LoadRequest): Promise<LoadReport | null> {
  children.load.send(request);
  const reply = await nextMessage<{ answer: LoadReport | null } | { error: string }>(children.load);
  if ('error' in reply) throw new Error(reply.error);
  return reply.answer;
}

/** One change of one bar; its close names it. */
async function update(): Promise<Commit> {
  sequence += 1;
  await writer.query('BEGIN');
  await writer.query(
    `INSERT INTO stock_prices_1m (time, ticker, open, high, low, close, volume, source)
     VALUES (to_timestamp($1), $2, 1, 1000000, 1, $3, $3, 'bench')
     ON CONFLICT (ticker, time) DO UPDATE SET close = excluded.close, volume = excluded.volume`,
    [BAR_TIME, TICKER, sequence],
  );
  const sentNs = process.hrtime.bigint().toString();
  await writer.query('COMMIT');
  return { sequence, sentNs, confirmedNs: process.hrtime.bigint().toString() };
}

async function measure(kind: Kind, port: number, clients: number): Promise<LoadReport> {
  await ask({ do: 'connect', kind, port, clients });
  const commits: Commit[] = [];
  for (let index = 0; index < WARM_UP + updates; index += 1) {
    const commit = await update();
    if (index >= WARM_UP) commits.push(commit);
    // Longer than the flush interval, and never in step with it.
    await sleep(130 + 60 * Math.random());
  }
  const report = await ask({ do: 'report', commits });
  if (report === null) throw new Error('the load process gave no report');
  if (report.missing > 0)
    console.log(`  ${kind}: ${report.missing} of ${report.missing + report.deliveries} deliveries are missing`);
  const slowest = report.slowest.map(
    ({ commitMs, firstMs, lastMs }) =>
      `${round(lastMs)} (commit ${round(commitMs)}, first client after ${round(firstMs)})`,
  );
  console.log(`  ${kind}: slowest updates, ms: ${slowest.join('; ')}`);
  return report;
}

const round = (milliseconds: number) => Math.round(milliseconds * 1_000) / 1_000;
const figures: Record<string, Record<string, number>> = {};
try {
  const [hub, ws] = await Promise.all([nextMessage<ServerReady>(children.hub), nextMessage<ServerReady>(children.ws)]);
  await writer.connect();
  for (const clients of counts) {
    console.log(`${clients} client${clients === 1 ? '' : 's'}, ${updates} updates each …`);
    const ours = await measure('hub', hub.port, clients);
    const theirs = await measure('ws', ws.port, clients);
    figures[`c${clients}`] = {
      p50_ms: round(ours.p50Ms),
      p99_ms: round(ours.p99Ms),
      ws_p50_ms: round(theirs.p50Ms),
      ws_p99_ms: round(theirs.p99Ms),
      // Without what the disk took for the commit, which one run of the two may have met and the other not.
      after_commit_p99_ms: round(ours.afterCommitP99Ms),
      ws_after_commit_p99_ms: round(theirs.afterCommitP99Ms),
    };
    if (ours.missing > 0) process.exitCode = 1;
  }
  console.table(figures);
  console.log(JSON.stringify({ bench: 'latency', ...figures }));
} finally {
  await Promise.all(Object.values(children).map(endChild));
  await writer.end();
  await database.close();
}
