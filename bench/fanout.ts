/**
 * Fan-out: what a delivered update costs the server (W1), what a frame costs (W2), what a quiet connection costs and how
 * soon all are back after a kill (W3). Hub, baselines, clients and database are processes of their own on loopback.
 */
import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { KEPT_MS } from '../apps/web/server/hub/series-feed.ts';
import { ask } from './fanout/answers.ts';
import type { Kind, LoadReport, LoadRequest, ServerReady, ServerRequest, Usage } from './fanout/messages.ts';
import { Writer } from './fanout/writer.ts';
import { endChild, nextMessage, openBenchDatabase, startChild, startChildWith } from './latency/world.ts';

const number = (fallback: number) => ({ type: 'string', default: String(fallback) }) as const;
const { values } = parseArgs({
  options: {
    only: { type: 'string', default: 'w1,w2,w3,series,compression' },
    seconds: number(15),
    clients: number(1_000),
    tickers: number(20),
    universe: number(100),
    rate: number(5),
    'w2-clients': number(2_000),
    'w2-rate': number(20),
    /** Fewer than W1's: the load generator has to inflate what it gets. */
    'compression-clients': number(200),
    'w3-clients': number(10_000),
    /** Writes a CPU profile of the hub into this folder. */
    profile: { type: 'string' },
  },
});
const parts = new Set(values.only.split(','));
const seconds = Number(values.seconds);
const WARM_UP_SECONDS = 3;
/** A baseline holds its load when its p99 stays below this. */
const HELD_P99_MS = 1_000;
const FEW_CLIENTS = 20;

const universe = Array.from({ length: Number(values.universe) }, (_, index) => `T${index + 1}`);
console.log('Starting a database of our own …');
/** Of `series`: each gets more minutes than its log in the hub keeps. */
const LOGGED = Array.from({ length: 200 }, (_, index) => `LOG${index + 1}`);
const LOGGED_MINUTES = 2_500;
const database = await openBenchDatabase([...universe, ...(parts.has('series') ? LOGGED : [])]);
const writer = new Writer(database.ingestorUrl);
const children = new Set<ChildProcess>();

async function startServer(kind: Kind, port = 0): Promise<{ child: ChildProcess; port: number }> {
  const profiled = values.profile !== undefined && kind === 'hub';
  const options = ['--expose-gc', ...(profiled ? ['--cpu-prof', `--cpu-prof-dir=${values.profile}`] : [])];
  const child = startChildWith(options, '../fanout/server-process.ts', kind, database.webUrl, String(port));
  children.add(child);
  return { child, port: (await nextMessage<ServerReady>(child)).port };
}

async function end(child: ChildProcess): Promise<void> {
  children.delete(child);
  await endChild(child);
}

interface Measured {
  report: LoadReport;
  /** Server CPU, µs. */
  cpu: number;
  perUpdate: number;
  perFrame: number;
}
interface Load {
  clients: number;
  /** Client n watches `tickers[n % tickers.length]`. */
  tickers: string[][];
  groups: string[][];
  rate: number;
}

async function measure(kind: Kind, load: Load): Promise<Measured> {
  const server = await startServer(kind);
  const loader = startChild('../fanout/load-process.ts');
  children.add(loader);
  const tell = (request: LoadRequest) => ask<LoadReport>(loader, request);
  const usage = () => ask<Usage>(server.child, 'usage' satisfies ServerRequest);
  try {
    await tell({ do: 'connect', kind, port: server.port, clients: load.clients, tickers: load.tickers });
    await writer.run(load.groups, load.rate, WARM_UP_SECONDS);
    await sleep(500);
    await tell({ do: 'begin' });
    const before = await usage();
    const behindMs = await writer.run(load.groups, load.rate, seconds);
    const report = await tell({ do: 'report', rows: await writer.rows() });
    const after = await usage();
    const cpu = after.cpuMicros - before.cpuMicros;
    const kernel = after.kernelMicros - before.kernelMicros;
    console.log(
      `  ${kind}: ${report.delivered}/${report.expected} updates in ${report.frames} frames, ${report.wrong} wrong states, ${report.gaps} gaps; ` +
        `p50 ${report.p50Ms.toFixed(1)} ms, p99 ${report.p99Ms.toFixed(1)} ms; server CPU ${(cpu / seconds / 1e4).toFixed(0)} % of a core ` +
        `(${((100 * kernel) / cpu).toFixed(0)} % of it in the kernel), ${(cpu / report.delivered).toFixed(2)} µs an update, ` +
        `${(cpu / report.frames).toFixed(2)} µs a frame` +
        (behindMs > 500 ? `; the writer fell ${Math.round(behindMs)} ms behind` : ''),
    );
    return { report, cpu, perUpdate: cpu / report.delivered, perFrame: cpu / report.frames };
  } finally {
    await end(loader);
    await end(server.child);
  }
}

/** CPU (µs) that `updates` would cost: what comes with the changes is paid once, however many clients there are. */
function extrapolate(few: Measured, many: Measured, updates: number): number {
  const perUpdate = (many.cpu - few.cpu) / (many.report.delivered - few.report.delivered);
  return few.cpu + perUpdate * (updates - few.report.delivered);
}

/** A group is written by one statement; each ticker is in one group. */
function groupsOf(tickers: string[], count: number): string[][] {
  return Array.from({ length: count }, (_, group) => tickers.filter((_ticker, index) => index % count === group));
}

const round = (value: number, digits = 3) => Number(value.toFixed(digits));
const figures: Record<string, number> = {};

/** Everyone has a choice of their own: a step that shares no divisor with the universe reaches all of it. */
function manyTickers(clients: number): Load {
  const each = Number(values.tickers);
  const tickers = Array.from({ length: clients }, (_, client) =>
    Array.from(
      { length: each },
      (_unused, index) => universe[(client * 37 + index * (1 + 2 * (client % 7))) % universe.length] ?? '',
    ),
  ).map((chosen) => [...new Set([...chosen, ...universe])].slice(0, each));
  return { clients, tickers, groups: groupsOf(universe, 20), rate: Number(values.rate) };
}

/** What permessage-deflate costs and saves where an operator turns it on. */
async function compression(): Promise<void> {
  const clients = Number(values['compression-clients']);
  console.log(`compression: W1's load with ${clients} clients, without and with permessage-deflate, ${seconds} s …`);
  const plain = await measure('hub', manyTickers(clients));
  const deflated = await measure('hub-compressed', manyTickers(clients));
  figures['compression_cpu_ratio'] = round(deflated.perUpdate / plain.perUpdate);
  figures['compression_bytes_ratio'] = round(deflated.report.bytes / plain.report.bytes);
  figures['compression_delivered'] = deflated.report.delivered / deflated.report.expected;
}

async function w1(): Promise<void> {
  const clients = Number(values.clients);
  console.log(
    `W1: ${clients} clients × ${values.tickers} of ${universe.length} tickers × ${values.rate} updates/s per ticker, ${seconds} s …`,
  );
  const load = manyTickers(clients);
  const hub = await measure('hub', load);
  const atFullSize = await measure('rooms', load);
  // A server that cannot keep up is fed in batches, which cheapens its updates: what counts is what it can hold.
  let held = { rooms: atFullSize, clients };
  while (held.rooms.report.p99Ms >= HELD_P99_MS && held.clients > 2 * FEW_CLIENTS) {
    const fewer = Math.floor(held.clients / 2);
    held = { rooms: await measure('rooms', { ...load, clients: fewer }), clients: fewer };
  }
  const few = held.clients < clients ? await measure('rooms', { ...load, clients: FEW_CLIENTS }) : null;
  const roomsPerUpdate =
    few === null ? atFullSize.perUpdate : extrapolate(few, held.rooms, hub.report.expected) / hub.report.expected;
  figures['w1_delivered'] = hub.report.delivered / hub.report.expected;
  figures['w1_wrong_states'] = hub.report.wrong;
  figures['w1_p50_ms'] = round(hub.report.p50Ms);
  figures['w1_p99_ms'] = round(hub.report.p99Ms);
  figures['w1_cpu_us_per_update'] = round(hub.perUpdate);
  figures['w1_rooms_cpu_us_per_update'] = round(roomsPerUpdate);
  figures['w1_rooms_clients'] = held.clients;
  figures['w1_rooms_p99_ms'] = round(held.rooms.report.p99Ms);
  figures['w1_cpu_ratio'] = round(hub.perUpdate / roomsPerUpdate);
  // As measured at the full size, whether the baseline could hold it or not.
  figures['w1_full_rooms_p99_ms'] = round(atFullSize.report.p99Ms);
  figures['w1_full_cpu_ratio'] = round(hub.perUpdate / atFullSize.perUpdate);
  if (hub.report.delivered !== hub.report.expected || hub.report.wrong > 0) process.exitCode = 1;
}

async function w2(): Promise<void> {
  const clients = Number(values['w2-clients']);
  const rate = Number(values['w2-rate']);
  console.log(`W2: one ticker, ${clients} clients, ${rate} updates/s, ${seconds} s …`);
  const ticker = universe.slice(0, 1);
  const load = { clients, tickers: [ticker], groups: [ticker], rate };
  const hub = await measure('hub', load);
  const ws = await measure('ws', load);
  const atOnce = await measure('ws-at-once', load);
  figures['w2_cpu_us_per_frame'] = round(hub.perFrame);
  figures['w2_ws_cpu_us_per_frame'] = round(ws.perFrame);
  figures['w2_p99_ms'] = round(hub.report.p99Ms);
  figures['w2_cpu_ratio'] = round(hub.perFrame / ws.perFrame);
  // Against one frame an update: a frame of the hub costs more than one of many that follow closely, an update less.
  figures['w2_at_once_cpu_ratio_per_frame'] = round(hub.perFrame / atOnce.perFrame);
  figures['w2_at_once_cpu_ratio_per_update'] = round(hub.perUpdate / atOnce.perUpdate);
}

async function w3(): Promise<void> {
  const clients = Number(values['w3-clients']);
  const ticker = universe.slice(0, 1);
  console.log(`W3: ${clients} quiet connections …`);
  let hub = await startServer('hub');
  const idle = startChild('../fanout/idle-process.ts');
  children.add(idle);
  try {
    await writer.update(ticker);
    await sleep(1_000);
    const empty = await ask<Usage>(hub.child, 'usage');
    const startedAt = performance.now();
    await ask(idle, { do: 'connect', port: hub.port, clients, ticker: ticker[0] });
    console.log(`  connected within ${round((performance.now() - startedAt) / 1_000, 1)} s`);
    await ask(idle, { do: 'await', close: await writer.update(ticker) });
    // Long enough for heartbeats and statuses, as in a quiet hour.
    await sleep(10_000);
    const full = await ask<Usage>(hub.child, 'usage');
    await sleep(10_000);
    const later = await ask<Usage>(hub.child, 'usage');
    figures['w3_connections'] = clients;
    figures['w3_bytes_per_connection'] = Math.round((later.rssBytes - empty.rssBytes) / clients);
    figures['w3_idle_cpu_share'] = round((later.cpuMicros - full.cpuMicros) / 10e6);
    console.log(
      `  ${figures['w3_bytes_per_connection']} bytes a connection, ${100 * figures['w3_idle_cpu_share']} % of a core`,
    );
    const killedAt = performance.now();
    children.delete(hub.child);
    hub.child.kill('SIGKILL');
    const close = await writer.update(ticker);
    const back = ask(idle, { do: 'await', close });
    hub = await startServer('hub', hub.port);
    figures['w3_restart_s'] = round((performance.now() - killedAt) / 1_000, 2);
    await back;
    figures['w3_recovery_s'] = round((performance.now() - killedAt) / 1_000, 2);
    console.log(`  hub up again after ${figures['w3_restart_s']} s, all clients after ${figures['w3_recovery_s']} s`);
  } finally {
    await end(idle);
    await end(hub.child);
  }
}

/** What a watched series costs the hub: at first, at most (its log of changes is full), and when what is old was forgotten. */
async function series(): Promise<void> {
  console.log(`series: ${LOGGED.length} watched series, ${LOGGED_MINUTES} minutes of each are written …`);
  const hub = await startServer('hub');
  const loader = startChild('../fanout/load-process.ts');
  children.add(loader);
  const heap = () => ask<number>(hub.child, 'heap' satisfies ServerRequest);
  try {
    await writer.update(LOGGED);
    const tell = (request: LoadRequest) => ask<LoadReport>(loader, request);
    const before = await heap();
    await tell({ do: 'connect', kind: 'hub', port: hub.port, clients: 1, tickers: [LOGGED] });
    const subscribed = await heap();
    const each = 10;
    for (let until = 1; until < LOGGED_MINUTES; until += each) await writer.updateMinutes(LOGGED, each, until);
    const { wrong } = await tell({ do: 'report', rows: await writer.rows() });
    if (wrong > 0) process.exitCode = 1;
    figures['series_bytes_subscribed'] = Math.round((subscribed - before) / LOGGED.length);
    figures['series_bytes_full'] = Math.round(((await heap()) - before) / LOGGED.length);
    await sleep(KEPT_MS + 10_000);
    figures['series_bytes_later'] = Math.round(((await heap()) - before) / LOGGED.length);
  } finally {
    await end(loader);
    await end(hub.child);
  }
}

try {
  await writer.open();
  await writer.update(universe);
  if (parts.has('w1')) await w1();
  if (parts.has('w2')) await w2();
  if (parts.has('series')) await series();
  if (parts.has('compression')) await compression();
  if (parts.has('w3')) await w3();
  console.table(figures);
  console.log(JSON.stringify({ bench: 'fanout', ...figures }));
} finally {
  await Promise.all([...children].map(end));
  await writer.close();
  await database.close();
}
