/**
 * Faults under load. `cuts`: the TCP of every client is cut again and again. `toxic`: hostile and slow clients beside good ones.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startTcpProxy } from '../tests/integration/tcp-proxy.ts';
import { ask } from './fanout/answers.ts';
import type { LoadReport, LoadRequest, ServerReady, Usage } from './fanout/messages.ts';
import { Writer } from './fanout/writer.ts';
import { endChild, nextMessage, openBenchDatabase, startChild } from './latency/world.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'cuts,toxic' },
    clients: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '120' },
    every: { type: 'string', default: '15' },
  },
});
const parts = new Set(values.only.split(','));
const tickers = Array.from({ length: 20 }, (_, index) => `T${index + 1}`);
const database = await openBenchDatabase(tickers);
const writer = new Writer(database.ingestorUrl);
const children = new Set<ChildProcess>();
const figures: Record<string, number> = {};
const round = (value: number) => Math.round(value * 10) / 10;

async function start(file: string, ...parameters: string[]): Promise<ChildProcess> {
  const child = startChild(file, ...parameters);
  children.add(child);
  return child;
}

async function startHub(): Promise<{ child: ChildProcess; port: number }> {
  const child = await start('../fanout/server-process.ts', 'hub', database.webUrl);
  return { child, port: (await nextMessage<ServerReady>(child)).port };
}

async function cuts(): Promise<void> {
  const clients = Number(values.clients);
  const seconds = Number(values.seconds);
  const every = Number(values.every);
  console.log(`cuts: ${clients} clients, all connections cut every ${every} s for ${seconds} s, 5 updates/s …`);
  const hub = await startHub();
  const idle = await start('../fanout/idle-process.ts');
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: hub.port });
  const ticker = tickers.slice(0, 1);
  try {
    await writer.update(ticker);
    await ask(idle, { do: 'connect', port: proxy.port, clients, ticker: ticker[0] });
    for (let cut = 0; cut < Math.floor(seconds / every); cut += 1) {
      await writer.run([ticker], 5, every);
      proxy.reset();
    }
    await writer.run([ticker], 5, 3);
    await ask(idle, { do: 'await', close: await writer.update(ticker) });
    const recoveries = await ask<number[]>(idle, { do: 'recoveries' });
    figures['cuts_resumes'] = recoveries.length;
    figures['cuts_resume_p50_ms'] = round(recoveries[Math.floor(recoveries.length / 2)] ?? Number.NaN);
    figures['cuts_resume_p99_ms'] = round(recoveries[Math.floor(recoveries.length * 0.99)] ?? Number.NaN);
    // `await` is answered only once each client holds the last update. Intermediate updates are not counted here.
    figures['cuts_clients_with_last_update'] = clients;
  } finally {
    await endChild(idle);
    await endChild(hub.child);
    await proxy.close();
  }
}

async function toxic(): Promise<void> {
  const good = 500;
  console.log(`toxic: ${good} good clients alone, then beside hostile and slow ones …`);
  const hub = await startHub();
  const load = await start('../fanout/load-process.ts');
  const tell = (request: LoadRequest) => ask<LoadReport>(load, request);
  try {
    await writer.update(tickers);
    await tell({ do: 'connect', kind: 'hub', port: hub.port, clients: good, tickers: [tickers.slice(0, 5)] });
    const groups = tickers.map((ticker) => [ticker]);
    const measure = async () => {
      await writer.run(groups, 2, 3);
      await tell({ do: 'begin' });
      await writer.run(groups, 2, 10);
      return tell({ do: 'report', rows: await writer.rows() });
    };
    const alone = await measure();
    const before = await ask<Usage>(hub.child, 'usage');
    const hostile = await start('../fanout/toxic-process.ts', String(hub.port));
    const beside = await measure();
    const after = await ask<Usage>(hub.child, 'usage');
    await endChild(hostile);
    figures['toxic_good_p99_alone_ms'] = round(alone.p99Ms);
    figures['toxic_good_p99_ms'] = round(beside.p99Ms);
    figures['toxic_good_delivered'] = beside.delivered / beside.expected;
    figures['toxic_rss_growth_mb'] = round((after.rssBytes - before.rssBytes) / 1_048_576);
  } finally {
    await endChild(load);
    await endChild(hub.child);
  }
}

try {
  await writer.open();
  if (parts.has('cuts')) await cuts();
  if (parts.has('toxic')) await toxic();
  console.table(figures);
  console.log(JSON.stringify({ bench: 'faults', ...figures }));
  await sleep(0);
} finally {
  await Promise.all([...children].map(endChild));
  await writer.close();
  await database.close();
}
