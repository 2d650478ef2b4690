/**
 * `tapecast import` of generated 1m bars beside other ways of getting the same rows into the same table, with the same keys and
 * triggers, on the same server: COPY of the file, INSERTs of 1,000 rows and INSERTs of one row (a part of the rows, scaled).
 * The table is emptied before each. Import and COPY take turns; the best import and the median of the turns' ratios count, since the
 * machine may have other work.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { migrate } from '@tapecast/db/migrate';
import pg from 'pg';
import { from as copyFrom } from 'pg-copy-streams';
import { startPostgres } from '../apps/local/src/embedded.ts';
import { barLines, writeCsv } from './import/bars.ts';

const { values } = parseArgs({
  options: {
    rows: { type: 'string', default: '1000000' },
    turns: { type: 'string', default: '3' },
    insert1000: { type: 'string', default: '200000' },
    insert1: { type: 'string', default: '10000' },
  },
});
const rows = Number(values.rows);
const turns = Number(values.turns);
const tenth = Math.round(rows / 10);
const COLUMNS = 'time, ticker, open, high, low, close, volume';

interface Imported {
  seconds: number;
  inserted: number;
  rssMb: number;
}

const folder = await mkdtemp(join(tmpdir(), 'tapecast-bench-'));
await chmod(folder, 0o711); // under root, PostgreSQL runs as another user that has to pass through
const files = { whole: join(folder, 'bars-1m.csv'), tenth: join(folder, 'tenth-1m.csv') };
console.log(`Generating ${rows.toLocaleString('en-US')} bars, starting a database of our own …`);
await Promise.all([writeCsv(files.whole, rows), writeCsv(files.tenth, tenth)]);
const server = await startPostgres({ folder });
const url = server.url('postgres');
await migrate({ url });
const client = new pg.Client({ connectionString: url, application_name: 'bench' });
await client.connect();
// What a bulk load without runs would write; COPY names no constant.
await client.query("ALTER TABLE stock_prices_1m ALTER source SET DEFAULT 'bench'");

async function empty(): Promise<void> {
  await client.query('TRUNCATE stock_prices_1m, series, series_changes');
  await client.query('CHECKPOINT');
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1_000;
}

async function runImport(file: string, expected: number): Promise<Imported> {
  await empty();
  const child = fork(fileURLToPath(new URL('./import/import-process.ts', import.meta.url)), [url, file], {
    execArgv: ['--max-semi-space-size=2'], // as run.mjs starts the command line
  });
  const ended = once(child, 'exit');
  let result: Imported | undefined;
  child.once('message', (message) => (result = message as Imported));
  await ended;
  if (result?.inserted !== expected) throw new Error(`${result?.inserted ?? 0} of ${expected} rows arrived`);
  return result;
}

async function runCopy(): Promise<number> {
  await empty();
  return timed(() =>
    pipeline(
      createReadStream(files.whole, { highWaterMark: 1 << 18 }),
      client.query(copyFrom(`COPY stock_prices_1m (${COLUMNS}) FROM STDIN (FORMAT csv, HEADER)`)),
    ),
  );
}

/** Rows per second of INSERTs with `size` rows each, every one a transaction as a program without care would do it. */
async function runInserts(size: number, total: number): Promise<number> {
  await empty();
  const placeholders = Array.from({ length: size }, (_, row) => {
    const first = row * 7;
    return `($${first + 1}::timestamptz, $${first + 2}, $${first + 3}::float8, $${first + 4}::float8, $${first + 5}::float8, $${first + 6}::float8, $${first + 7}::float8)`;
  });
  const text = `INSERT INTO stock_prices_1m (${COLUMNS}) VALUES ${placeholders.join(', ')}`;
  const lines = barLines(total);
  const seconds = await timed(async () => {
    for (let done = 0; done < total; done += size) {
      const batch: string[] = [];
      for (let index = 0; index < size; index += 1) batch.push(...String(lines.next().value).split(','));
      await client.query({ name: `insert ${size}`, text, values: batch });
    }
  });
  return total / seconds;
}

try {
  const small = await runImport(files.tenth, tenth);
  console.log(
    `import of ${tenth.toLocaleString('en-US')} rows: ${small.seconds.toFixed(1)} s, ${small.rssMb.toFixed(0)} MB`,
  );
  let best: Imported | undefined;
  let copySeconds = Number.POSITIVE_INFINITY;
  const ratios: number[] = [];
  for (let turn = 0; turn < turns; turn += 1) {
    const imported = await runImport(files.whole, rows);
    const copied = await runCopy();
    console.log(
      `turn ${turn + 1}: import ${imported.seconds.toFixed(1)} s (${imported.rssMb.toFixed(0)} MB), COPY ${copied.toFixed(1)} s`,
    );
    if (best === undefined || imported.seconds < best.seconds)
      best = { ...imported, rssMb: Math.max(imported.rssMb, best?.rssMb ?? 0) };
    copySeconds = Math.min(copySeconds, copied);
    ratios.push(copied / imported.seconds);
  }
  if (best === undefined) throw new Error('--turns must be 1 or more');
  const thousands = await runInserts(1_000, Math.min(rows, Number(values.insert1000)));
  const singles = await runInserts(1, Math.min(rows, Number(values.insert1)));
  const perSecond = rows / best.seconds;
  console.table({
    import: { rows, 'rows/s': Math.round(perSecond) },
    COPY: { rows, 'rows/s': Math.round(rows / copySeconds) },
    'INSERT × 1,000': { rows: Math.min(rows, Number(values.insert1000)), 'rows/s': Math.round(thousands) },
    'INSERT × 1': { rows: Math.min(rows, Number(values.insert1)), 'rows/s': Math.round(singles) },
  });
  const round = (value: number) => Math.round(value * 100) / 100;
  console.log(
    JSON.stringify({
      bench: 'import',
      rows,
      rows_per_s: Math.round(perSecond),
      copy_ratio: round(ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? 0),
      insert1000_ratio: round(perSecond / thousands),
      insert1_ratio: round(perSecond / singles),
      rss_mb_100k: Math.round(small.rssMb),
      rss_mb_1m: Math.round(best.rssMb),
    }),
  );
} finally {
  await client.end();
  await server.stop();
  await rm(folder, { recursive: true, force: true });
}
