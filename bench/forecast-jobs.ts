/**
 * The forecaster as it is deployed, re-forecasting every series after a bar has closed: real processes, threads, queue and
 * database, simulated histories of a New York session. It tells how long that takes, to be compared with the bar.
 *
 *   npm run bench:forecast-jobs -- [--tickers 500] [--processes 1] [--queue postgres|redis] [--bars 1000]
 *
 * Redis needs redis-server on the PATH.
 */
import { fileURLToPath } from 'node:url';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openDatabase } from '@tapecast/db/database';
import { listNewestForecasts } from '@tapecast/db/forecasts';
import { startServerProcess, type ServerProcess } from '../tests/support/server-process.ts';
import { openJobsWorld } from './forecast-jobs/world.ts';

const { values } = parseArgs({
  options: {
    tickers: { type: 'string', default: '500' },
    processes: { type: 'string', default: '1' },
    queue: { type: 'string', default: 'postgres' },
    bars: { type: 'string', default: '1000' },
  },
});
const [tickers, processes, bars] = [Number(values.tickers), Number(values.processes), Number(values.bars)];
const { queue } = values;
if (queue !== 'postgres' && queue !== 'redis') {
  console.error('--queue is postgres or redis');
  process.exit(2);
}
const MAIN = fileURLToPath(new URL('../apps/forecaster/src/main.ts', import.meta.url));
const RESOLUTIONS = 2;
const HOUR = 3_600;
const wanted = tickers * RESOLUTIONS;

console.log(
  `${tickers} tickers, 1h and 1d, ${bars} bars each; ${processes} forecasters on ${availableParallelism()} cores`,
);
const world = await openJobsWorld(queue);
const forecasters: ServerProcess[] = [];
const db = openDatabase({ url: world.databaseUrl, applicationName: 'bench', queryTimeoutMs: 600_000 });
try {
  await world.fillHistories({ tickers, bars });
  console.log('Histories are there; the forecasters start');
  for (let i = 0; i < processes; i++) forecasters.push(await startForecaster());

  await world.closeBar();
  const began = performance.now();
  const secondsSince = (): number => (performance.now() - began) / 1_000;
  let said = 0;
  for (let made = 0; made < wanted;) {
    await sleep(500);
    made = (await listNewestForecasts(db)).length;
    if (made < said + wanted / 10) continue;
    said = made;
    console.log(`${made} of ${wanted} after ${secondsSince().toFixed(0)} s`);
  }
  const seconds = secondsSince();
  const cpu = (await Promise.all(forecasters.map(cpuSeconds))).reduce((sum, each) => sum + each, 0);
  console.log(
    `All ${wanted} after ${seconds.toFixed(0)} s, ${((100 * seconds) / HOUR).toFixed(1)} % of an hour's bar; the forecasters used ${cpu.toFixed(0)} s of CPU\n`,
  );
  const round = (value: number): number => Number(value.toFixed(2));
  console.log(
    JSON.stringify({
      bench: 'forecast-jobs',
      tickers,
      resolutions: RESOLUTIONS,
      seconds: round(seconds),
      forecasts_per_s: round(wanted / seconds),
      backend: queue,
      bars,
      processes,
      cores: availableParallelism(),
      cpu_s: round(cpu),
    }),
  );
} finally {
  await Promise.all(forecasters.map((each) => each.end()));
  await db.close();
  await world.close();
}

async function startForecaster(): Promise<ServerProcess> {
  const settings = {
    DATABASE_URL: world.databaseUrl,
    QUEUE_URL: world.queueUrl,
    METRICS_PORT: '0',
    FORECAST_BACKTESTS: '0',
    // The cores are shared, as they would be by replicas on one machine.
    FORECAST_THREADS: String(Math.max(1, Math.round(availableParallelism() / processes))),
  };
  return startServerProcess(process.execPath, [MAIN], /"msg":"started"/, { ...process.env, ...settings });
}

/** Of the whole process, its threads and its start included. */
async function cpuSeconds(forecaster: ServerProcess): Promise<number> {
  const port = /"metricsPort":(\d+)/.exec(forecaster.output())?.[1];
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  return Number(/^process_cpu_seconds_total (\S+)/m.exec(metrics)?.[1]);
}
