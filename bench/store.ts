/**
 * The store: two years of hourly bars by REST beside the same statement through `pg`, upserts with keys and triggers, a CSV
 * export of a million rows in constant memory, and on a real TimescaleDB (TEST_TIMESCALE_URL) what the columnstore saves.
 *
 * `npm run bench:store -- --rows 10000000`: 1m bars in the store, a million a ticker. Default: 10 million on TimescaleDB, 1 million
 * on plain PostgreSQL.
 */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { unixSeconds } from '@tapecast/contracts/units';
import { openDatabase } from '@tapecast/db/database';
import { ensureTickers } from '@tapecast/db/tickers';
import { type PriceRow, writeBars } from '@tapecast/db/write-bars';
import pg from 'pg';
import { startServerProcess } from '../tests/support/server-process.ts';
import { openStore } from './store/server.ts';

const timescaleUrl = process.env['TEST_TIMESCALE_URL'] || undefined;
const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: timescaleUrl === undefined ? '1000000' : '10000000' },
    rounds: { type: 'string', default: '40' },
  },
});
const rows = Number(values.rows);
const rounds = Number(values.rounds);
const perTicker = Math.min(rows, 1_000_000);
const BATCH = 500_000;
const MINUTE = 60_000;
const began = performance.now();
const say = (text: string): void =>
  console.log(`${((performance.now() - began) / 1_000).toFixed(0).padStart(4)} s  ${text}`);

const store = await openStore(timescaleUrl);
say(`${store.server}, TimescaleDB ${store.extension ?? 'none'}`);
const client = new pg.Client({ connectionString: store.url });
await client.connect();
const db = openDatabase({ url: store.url, applicationName: 'bench', queryTimeoutMs: 600_000 });
const figures: Record<string, string | number | null> = { server: store.server, extension: store.extension, rows };
try {
  const tickers = Array.from(
    { length: Math.ceil(rows / perTicker) },
    (_, index) => `B${String(index).padStart(3, '0')}`,
  );
  await ensureTickers(db, [...tickers, 'YEARS', 'UPSERT']);
  await fillMinutes(tickers);
  await fillTwoYears();
  await client.query('VACUUM ANALYZE stock_prices_1m, stock_prices_1h');
  figures['rows_per_s_upsert'] = await measureUpsert();
  Object.assign(figures, await measureGrowth());
  if (store.extension !== null) figures['compression_ratio'] = await compress();
  await measureWeb(tickers[0] ?? '');
  console.table(figures);
} finally {
  await client.end();
  await db.close();
  await store.close();
}
console.log(JSON.stringify({ bench: 'store', ...figures }));

/** Random walks in cents, around the clock, until now: a million minutes are about two years. */
async function fillMinutes(names: string[]): Promise<void> {
  const start = Math.floor(Date.now() / MINUTE) * 60 - perTicker * 60;
  let done = 0;
  for (const ticker of names) {
    const wanted = Math.min(perTicker, rows - done);
    for (let from = 0; from < wanted; from += BATCH) {
      const until = Math.min(wanted, from + BATCH);
      await client.query(
        `INSERT INTO stock_prices_1m
         SELECT to_timestamp($2::bigint + i * 60), $1, p, round((p + h)::numeric, 2), round((p - l)::numeric, 2), round((p + (h - l) / 2)::numeric, 2), NULL,
           floor(-ln(1 - random()) * 5000), 'bench'
         FROM (SELECT i, round((200 + sum(random() - 0.5) OVER (ORDER BY i) * 0.05)::numeric, 2)::float8 AS p, random() * 0.2 AS h, random() * 0.2 AS l
           FROM generate_series($3::int, $4::int - 1) i) walk`,
        [ticker, start, from, until],
      );
      done += until - from;
      say(`${done.toLocaleString('en-US')} of ${rows.toLocaleString('en-US')} 1m bars`);
    }
  }
}

/** Seven bars a weekday for two years, of the one that is read and of 49 others between which it lies. */
async function fillTwoYears(): Promise<void> {
  await client.query(`
    INSERT INTO stock_prices_1h
    SELECT day + make_interval(hours => 14 + hour, mins => 30), CASE n WHEN 0 THEN 'YEARS' ELSE 'N' || n END, 100 + n, 101 + n, 99 + n,
      100 + n + hour / 7.0, NULL, 1000000 + hour, 'bench'
    FROM generate_series(current_date - 730, current_date - 1, interval '1 day') day, generate_series(0, 6) hour, generate_series(0, 49) n
    WHERE extract(isodow FROM day) < 6`);
}

/** Half of the rows are new, half correct what is stored. */
async function measureUpsert(): Promise<number> {
  const count = 100_000;
  const start = Math.floor(Date.now() / MINUTE) * 60 - count * 60;
  const bars = (from: number, until: number, close: number): PriceRow[] =>
    Array.from({ length: until - from }, (_, index) => ({
      time: unixSeconds(start + (from + index) * 60),
      ticker: 'UPSERT',
      open: 100,
      high: 110,
      low: 90,
      close: close + (index % 100) / 100,
      closeAdj: null,
      volume: index,
      source: 'bench',
    }));
  await writeBars(db, '1m', bars(0, count / 2, 100));
  const incoming = bars(0, count, 101);
  const from = performance.now();
  const { changed } = await writeBars(db, '1m', incoming);
  const seconds = (performance.now() - from) / 1_000;
  if (changed !== count) throw new Error(`${changed} of ${count} rows were news`);
  say(`upsert of ${count.toLocaleString('en-US')} rows: ${seconds.toFixed(2)} s`);
  return Math.round(count / seconds);
}

/**
 * One statement that touches ten times as many series, known or new ones, or bars of one series: 10 is linear, 100 would be quadratic.
 * Medians of three, in turn; of new series the plans are those of a time when there were few.
 */
async function measureGrowth(): Promise<Record<'growth_new_series' | 'growth_series' | 'growth_bars', number>> {
  const bar = `1, 2, 1, 1.5, NULL, 1, 'bench' FROM generate_series(1, $1::int) n`;
  const newOf = `INSERT INTO stock_prices_1d SELECT date '1990-01-01', 'N' || $2::int || 'X' || n, ${bar}`;
  const seriesOf = `INSERT INTO stock_prices_1d SELECT date '1990-01-01' + $2::int, 'G' || n, ${bar}`;
  const barsOf = `INSERT INTO stock_prices_1h SELECT timestamptz '1980-01-01Z' + make_interval(hours => $2::int * 100000 + n), 'GROWTH', ${bar}`;
  const growth = async (statement: string): Promise<number> => {
    const times = new Map<number, number[]>([
      [1_000, []],
      [10_000, []],
    ]);
    for (let round = 1; round <= 3; round++) {
      for (const [count, taken] of times) {
        const from = performance.now();
        await client.query(statement, [count, round * 2 + (count === 1_000 ? 0 : 1)]);
        taken.push(performance.now() - from);
      }
    }
    const median = (count: number): number => times.get(count)?.toSorted((a, b) => a - b)[1] ?? Number.NaN;
    say(`1,000: ${median(1_000).toFixed(0)} ms, 10,000: ${median(10_000).toFixed(0)} ms in one statement`);
    return round(median(10_000) / median(1_000), 1);
  };
  await client.query('ANALYZE series, series_changes'); // as autovacuum would, or not, in between
  const growth_new_series = await growth(newOf);
  await client.query(seriesOf, [10_000, 0]); // these series exist from here on
  return { growth_new_series, growth_series: await growth(seriesOf), growth_bars: await growth(barsOf) };
}

/** All chunks that have ended, as the policy would in time. */
async function compress(): Promise<number> {
  const { rows: chunks } = await client.query<{ chunk: string }>(
    `SELECT c::text AS chunk FROM show_chunks('stock_prices_1m', older_than => interval '1 day') c`,
  );
  for (const [index, { chunk }] of chunks.entries()) {
    await client.query('SELECT compress_chunk($1::regclass)', [chunk]);
    if ((index + 1) % 100 === 0) say(`${index + 1} of ${chunks.length} chunks compressed`);
  }
  const { rows: stats } = await client.query<{ ratio: number }>(
    `SELECT before_compression_total_bytes::float8 / after_compression_total_bytes AS ratio FROM hypertable_columnstore_stats('stock_prices_1m')`,
  );
  return round(stats[0]?.ratio ?? 0, 1);
}

/** The real web server as a process of its own. */
async function measureWeb(csvTicker: string): Promise<void> {
  const web = await startServerProcess(
    process.execPath,
    [fileURLToPath(new URL('../apps/web/server/main.ts', import.meta.url))],
    /"url":"http[^"]+"|http:\/\/127\.0\.0\.1:\d+/,
    { PATH: process.env['PATH'] ?? '', DATABASE_URL: store.url, PORT: '0', NODE_ENV: 'production' },
  );
  try {
    const origin = /http:\/\/127\.0\.0\.1:\d+/.exec(web.output())?.[0] ?? '';
    await measureHistory(origin);
    await measureExport(origin, web.pid, csvTicker);
  } finally {
    await web.end();
  }
}

async function measureHistory(origin: string): Promise<void> {
  const url = `${origin}/api/v1/prices/YEARS?resolution=1h&limit=10000`;
  const statement = `SELECT extract(epoch FROM time)::bigint AS time, open, high, low, close, volume FROM stock_prices_1h
    WHERE ticker = $1 AND close IS NOT NULL ORDER BY time DESC LIMIT 10000`;
  const times: Record<'rest' | 'pg', number[]> = { rest: [], pg: [] };
  let bars = 0;
  for (let round = -5; round < rounds; round++) {
    const start = performance.now();
    const answer = await fetch(url);
    const body = await answer.text();
    const between = performance.now();
    const { rows: received } = await client.query(statement, ['YEARS']);
    const end = performance.now();
    if (round < 0) {
      bars = (JSON.parse(body) as { bars: unknown[] }).bars.length;
      if (!answer.ok || bars !== received.length) throw new Error(`REST gave ${bars} bars, pg ${received.length}`);
      continue;
    }
    times.rest.push(between - start);
    times.pg.push(end - between);
  }
  const [rest, direct] = [median(times.rest), median(times.pg)];
  figures['history_bars'] = bars;
  figures['history_rest_ms'] = round(rest, 2);
  figures['history_pg_ms'] = round(direct, 2);
  figures['history_ratio'] = round(rest / direct, 2);
  say(`two years of hours, ${bars} bars: ${rest.toFixed(1)} ms by REST, ${direct.toFixed(1)} ms by pg`);
}

/** Resident memory of the server while it sends a tenth of the rows, all, and all three times more. */
async function measureExport(origin: string, pid: number, ticker: string): Promise<void> {
  const { rows: ends } = await client.query<{ from: number }>(
    `SELECT extract(epoch FROM max(time))::float8 - $2::int * 60 AS from FROM stock_prices_1m WHERE ticker = $1`,
    [ticker, Math.round(perTicker / 10)],
  );
  for (const [name, query] of [
    ['tenth', `&from=${Math.round(ends[0]?.from ?? 0)}`],
    ['all', ''],
    // More of it: memory that is constant does not grow with what was sent before.
    ['third', ''],
    ['fourth', ''],
    ['fifth', ''],
  ] as const) {
    const start = performance.now();
    const answer = await fetch(`${origin}/api/v1/prices/${ticker}?resolution=1m${query}`, {
      headers: { accept: 'text/csv' },
    });
    let peak = 0;
    let lines = -1;
    let chunks = 0;
    for await (const chunk of answer.body ?? []) {
      for (const byte of chunk as Uint8Array) if (byte === 10) lines += 1;
      if (chunks++ % 8 === 0) peak = Math.max(peak, await residentMb(pid));
    }
    const seconds = (performance.now() - start) / 1_000;
    figures[`csv_rss_mb_${name}`] = Math.round(peak);
    if (name === 'all') figures['csv_rows_per_s'] = Math.round(lines / seconds);
    say(
      `CSV of ${lines.toLocaleString('en-US')} rows: ${seconds.toFixed(1)} s, ${peak.toFixed(0)} MB resident at most`,
    );
  }
}

async function residentMb(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1_024;
}

function median(numbers: number[]): number {
  return numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}
