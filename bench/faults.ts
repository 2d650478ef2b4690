/**
 * Faults under load. `cuts`: the TCP of every client is cut again and again. `slow`: one client reads 1 KB/s beside good ones. `toxic`:
 * hostile clients beside good ones.
 */
import type { ChildProcess } from 'node:child_process';
import { parseArgs } from 'node:util';
import { startTcpProxy } from '../tests/integration/tcp-proxy.ts';
import { ask } from './fanout/answers.ts';
import type { LoadReport, LoadRequest, ServerReady, Usage } from './fanout/messages.ts';
import { Writer } from './fanout/writer.ts';
import { quantile } from './latency/quantile.ts';
import { endChild, nextMessage, openBenchDatabase, startChild } from './latency/world.ts';

const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'cuts,slow,toxic' },
    clients: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '120' },
    every: { type: 'string', default: '15' },
    /** Seconds of `slow` and `toxic`, before and after the others came. */
    beside: { type: 'string', default: '20' },
  },
});
const parts = new Set(values.only.split(','));
const tickers = Array.from({ length: 20 }, (_, index) => `T${index + 1}`);
const database = await openBenchDatabase([...tickers, 'WIDE']);
const writer = new Writer(database.ingestorUrl);
const children = new Set<ChildProcess>();
const figures: Record<string, number> = {};
/** Their number is small, for each costs several times what a thin client does on the two cores that the hub shares with them. */
const LIBRARY_CLIENTS = 50;
const GOOD_CLIENTS = 500;
const WIDE = 'WIDE';
const round = (value: number) => Math.round(value * 100) / 100;

async function start(file: string, ...parameters: string[]): Promise<ChildProcess> {
  const child = startChild(file, ...parameters);
  children.add(child);
  return child;
}

async function startHub(): Promise<{ child: ChildProcess; port: number }> {
  const child = await start('../fanout/server-process.ts', 'hub', database.webUrl, '0', 'watch');
  return { child, port: (await nextMessage<ServerReady>(child)).port };
}

async function cuts(): Promise<void> {
  const clients = Number(values.clients);
  const seconds = Number(values.seconds);
  const every = Number(values.every);
  console.log(
    `cuts: ${clients} thin clients and ${LIBRARY_CLIENTS} of our library, all cut every ${every} s for ${seconds} s, 5 updates/s …`,
  );
  const hub = await startHub();
  const load = await start('../fanout/load-process.ts');
  const tell = (request: LoadRequest) => ask<LoadReport>(load, request);
  const library = await start('../fanout/idle-process.ts');
  const proxy = await startTcpProxy({ host: '127.0.0.1', port: hub.port });
  const ticker = tickers.slice(0, 1);
  try {
    await writer.update(ticker);
    await tell({ do: 'connect', kind: 'hub', port: hub.port, clients, tickers: [ticker] });
    await ask(library, { do: 'connect', port: proxy.port, clients: LIBRARY_CLIENTS, ticker: ticker[0] });
    await tell({ do: 'begin' });
    for (let cut = 0; cut < Math.floor(seconds / every); cut += 1) {
      await writer.run([ticker], 5, every);
      proxy.reset();
      await tell({ do: 'cut' });
    }
    await writer.run([ticker], 5, 3);
    // Answered once each client of the library holds the last update.
    await ask(library, { do: 'await', close: await writer.update(ticker) });
    const report = await tell({ do: 'report', rows: await writer.rows() });
    const outages = report.recoveries.map(({ outageMs }) => outageMs);
    const resumes = report.recoveries.map(({ resumeMs }) => resumeMs);
    figures['cuts_delivered'] = report.delivered / report.expected;
    figures['cuts_wrong_states'] = report.wrong;
    figures['cuts_resumes'] = resumes.length;
    figures['cuts_snapshots'] = report.snapshots;
    // From the attempt to connect again to the state that has caught up; an outage counts from the cut, pause included.
    figures['cuts_resume_p50_ms'] = round(quantile(resumes, 0.5));
    figures['cuts_resume_p99_ms'] = round(quantile(resumes, 0.99));
    figures['cuts_outage_p99_ms'] = round(quantile(outages, 0.99));
    figures['cuts_library_outage_p99_ms'] = round(quantile(await ask<number[]>(library, { do: 'recoveries' }), 0.99));
    if (report.delivered !== report.expected || report.wrong > 0) process.exitCode = 1;
  } finally {
    await endChild(load);
    await endChild(library);
    await endChild(hub.child);
    await proxy.close();
  }
}

function growthMb({ before, after }: { before: Usage; after: Usage }): number {
  return round((after.rssBytes - before.rssBytes) / 1_048_576);
}

/** What the good clients and the server are like alone, and then beside others. */
async function besides(
  what: 'slow' | 'toxic',
  work: (seconds: number) => Promise<unknown>,
  others: (port: number) => Promise<ChildProcess>,
  /** There from the beginning. */
  companion?: (port: number) => Promise<ChildProcess>,
): Promise<void> {
  const hub = await startHub();
  const load = await start('../fanout/load-process.ts');
  const tell = (request: LoadRequest) => ask<LoadReport>(load, request);
  const usage = () => ask<Usage>(hub.child, 'usage');
  const seconds = Number(values.beside);
  try {
    await writer.update(tickers);
    await tell({ do: 'connect', kind: 'hub', port: hub.port, clients: GOOD_CLIENTS, tickers: [tickers.slice(0, 5)] });
    const measure = async () => {
      await work(3);
      await tell({ do: 'begin' });
      const before = await usage();
      await work(seconds);
      const after = await usage();
      const report = await tell({ do: 'report', rows: await writer.rows() });
      return { ...report, before, after, cpu: (after.cpuMicros - before.cpuMicros) / 1e6 / seconds };
    };
    await companion?.(hub.port);
    const alone = await measure();
    await others(hub.port);
    const beside = await measure();
    figures[`${what}_good_p99_alone_ms`] = round(alone.p99Ms);
    figures[`${what}_good_p99_ms`] = round(beside.p99Ms);
    figures[`${what}_good_delivered`] = beside.delivered / beside.expected;
    figures[`${what}_loop_p99_alone_ms`] = round(alone.after.loopP99Ms);
    figures[`${what}_loop_p99_ms`] = round(beside.after.loopP99Ms);
    figures[`${what}_cpu_share_alone`] = round(alone.cpu);
    figures[`${what}_cpu_share`] = round(beside.cpu);
    // Within each part: what grows without the others is the hub's own warming up.
    figures[`${what}_rss_growth_alone_mb`] = growthMb(alone);
    figures[`${what}_rss_growth_mb`] = growthMb(beside);
    figures[`${what}_rss_mb`] = round(beside.after.rssBytes / 1_048_576);
    figures[`${what}_buffered_kb`] = round(beside.after.bufferedBytes / 1_024);
    if (beside.delivered !== beside.expected || beside.wrong > 0) process.exitCode = 1;
  } finally {
    // With those that came beside it.
    await Promise.all([...children].map(endChild));
    children.clear();
  }
}

const groups = tickers.map((ticker) => [ticker]);

async function slow(): Promise<void> {
  console.log(
    `slow: ${GOOD_CLIENTS} good clients, then beside one that reads 1 KB/s of a series that moves by 45 KB a change …`,
  );
  const wide = new Writer(database.ingestorUrl);
  await wide.open();
  const work = (seconds: number) =>
    Promise.all([writer.run(groups, 2, seconds), wide.runWide(WIDE, 1_000, 5, seconds)]);
  const reader = (pace: string) => (port: number) => start('../fanout/slow-process.ts', String(port), WIDE, pace);
  // The quick one makes the hub read and send the wide changes all the time: what is added is the slowness alone.
  await besides('slow', work, reader('slow'), reader('quick')).finally(() => wide.close());
}

async function toxic(): Promise<void> {
  console.log(`toxic: ${GOOD_CLIENTS} good clients, then beside malformed, oversized and flooding ones …`);
  const hostile = (port: number) => start('../fanout/toxic-process.ts', String(port));
  await besides('toxic', (seconds) => writer.run(groups, 2, seconds), hostile);
}

try {
  await writer.open();
  if (parts.has('cuts')) await cuts();
  if (parts.has('slow')) await slow();
  if (parts.has('toxic')) await toxic();
  console.table(figures);
  console.log(JSON.stringify({ bench: 'faults', ...figures }));
} finally {
  await Promise.all([...children].map(endChild));
  await writer.close();
  await database.close();
}
