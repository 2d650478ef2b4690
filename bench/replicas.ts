/**
 * What a web replica more costs the database: each listens by itself, so every commit wakes all of them. The same commits with more
 * and more LISTEN connections, in one run.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import pg from 'pg';
import { ask } from './fanout/answers.ts';
import { monotonicMs } from './fanout/messages.ts';
import { quantile } from './latency/quantile.ts';
import { endChild, openBenchDatabase, startChild } from './latency/world.ts';
import type { ListenersRequest } from './replicas/listeners-process.ts';
import { serverCpuSeconds } from './replicas/server-cpu.ts';

const { values } = parseArgs({
  options: {
    replicas: { type: 'string', default: '1,10,50,100,150' },
    seconds: { type: 'string', default: '15' },
    /** Commits a second, each of five tickers. */
    rate: { type: 'string', default: '20' },
  },
});
const seconds = Number(values.seconds);
const rate = Number(values.rate);
const tickers = ['A', 'B', 'C', 'D', 'E'];
const WARM_UP_COMMITS = 20;

const database = await openBenchDatabase(tickers);
const writer = new pg.Client({ connectionString: database.ingestorUrl, application_name: 'bench writer' });
const listeners = startChild('../replicas/listeners-process.ts', database.webUrl);
let sequence = 0;

/** @returns when COMMIT was sent, and how long it took, ms */
async function commit(): Promise<{ at: number; took: number }> {
  sequence += 1;
  await writer.query('BEGIN');
  await writer.query(
    `INSERT INTO stock_prices_1m (time, ticker, open, high, low, close, volume, source)
     SELECT '2026-01-01', ticker, 1, 1000000, 1, $2, $2, 'bench' FROM unnest($1::text[]) ticker
     ON CONFLICT (ticker, time) DO UPDATE SET close = excluded.close, volume = excluded.volume`,
    [tickers, sequence],
  );
  const at = monotonicMs();
  await writer.query('COMMIT');
  return { at, took: monotonicMs() - at };
}

async function run(commits: number): Promise<{ at: number; took: number }[]> {
  const done = [];
  const start = monotonicMs();
  for (let index = 0; index < commits; index += 1) {
    const wait = start + (index * 1_000) / rate - monotonicMs();
    if (wait > 1) await sleep(wait);
    done.push(await commit());
  }
  return done;
}

const round = (value: number) => Math.round(value * 100) / 100;

const tell = <T>(request: ListenersRequest) => ask<T>(listeners, request);
const figures: Record<string, Record<string, number>> = {};
try {
  await writer.connect();
  for (const replicas of values.replicas.split(',').map(Number)) {
    await tell({ do: 'listen', connections: replicas });
    await run(WARM_UP_COMMITS);
    await tell({ do: 'heard', commits: WARM_UP_COMMITS });
    const before = await serverCpuSeconds(database.postmasterPid);
    const commits = await run(seconds * rate);
    const heard = await tell<number[]>({ do: 'heard', commits: commits.length });
    const cpu = (await serverCpuSeconds(database.postmasterPid)) - before;
    if (heard.length < commits.length) process.exitCode = 1;
    const lags = heard.map((at, index) => at - (commits[index]?.at ?? Number.NaN));
    const took = commits.map((each) => each.took);
    figures[`replicas_${replicas}`] = {
      heard_by_all: heard.length / commits.length,
      commit_p50_ms: round(quantile(took, 0.5)),
      commit_p99_ms: round(quantile(took, 0.99)),
      last_heard_p50_ms: round(quantile(lags, 0.5)),
      last_heard_p99_ms: round(quantile(lags, 0.99)),
      database_cpu_ms_per_commit: round((1_000 * cpu) / commits.length),
    };
  }
  console.table(figures);
  console.log(JSON.stringify({ bench: 'replicas', ...figures }));
} finally {
  await endChild(listeners);
  await writer.end();
  await database.close();
}
