/** Whatever moment an import is killed at: after the rerun the table equals the file. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { listRuns } from '@tapecast/db/ingest-runs';
import { importPrices } from '@tapecast/ingest/import/import-prices';
import { openSource } from '@tapecast/ingest/import/source';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openImportWorld, type ImportWorld } from './import-world.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'apps', 'cli', 'src', 'main.ts');
let world: ImportWorld;
beforeAll(async () => {
  world = await openImportWorld();
});
afterAll(() => world.close());

function minuteLines(ticker: string, bars: number): string[] {
  const first = Date.UTC(2020, 0, 2, 14, 30);
  return Array.from({ length: bars }, (_, index) => {
    const time = new Date(first + index * 60_000).toISOString().replace('.000Z', 'Z');
    const open = 100 + (index % 97) / 8;
    return `${time},${ticker},${open},${open + 1},${open - 1},${open + 0.5},,${index % 1_000}`;
  });
}
const HEAD = 'time,ticker,open,high,low,close,close_adj,volume\n';

async function storedHash(ticker: string): Promise<string> {
  const [row] = await world.rows<{ lines: string | null }>(
    `SELECT string_agg(format('%s,%s,%s,%s,%s,%s,%s,%s', to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), ticker,
       open, high, low, close, close_adj, volume), E'\\n' ORDER BY time) AS lines FROM stock_prices_1m WHERE ticker = $1`,
    [ticker],
  );
  return createHash('sha256')
    .update(row?.lines ?? '')
    .digest('hex');
}

it('kill -9 at ten random moments, then the rerun: all of the file, once', async () => {
  const bars = 30_000;
  const prepare = async (ticker: string) => {
    const lines = minuteLines(ticker, bars);
    const file = await world.write(`${ticker}-1m.csv`, `${HEAD}${lines.join('\n')}\n`);
    const import_ = () =>
      spawn(process.execPath, [MAIN, 'import', file, '--json'], {
        env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: world.database.asRole('tapecast_ingestor') },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
    return { file, import_, hash: createHash('sha256').update(lines.join('\n')).digest('hex') };
  };
  const runsOf = (file: string) =>
    world.rows<{ milliseconds: number | null }>(
      `SELECT (extract(epoch FROM finished_at - started_at) * 1000)::float8 AS milliseconds FROM ingest_runs WHERE source = $1`,
      [file],
    );
  // How long a run takes here, so that the kills fall into it.
  const whole = await prepare('WHOLE');
  expect((await once(whole.import_(), 'exit'))[0]).toBe(0);
  const milliseconds = (await runsOf(whole.file))[0]?.milliseconds ?? 1_000;

  for (let round = 0; round < 10; round += 1) {
    const ticker = `KILL${round}`;
    const { file, import_, hash } = await prepare(ticker);
    const victim = import_();
    const dead = once(victim, 'exit');
    while (victim.exitCode === null && (await runsOf(file)).length === 0) await sleep(5);
    await sleep(Math.random() * milliseconds);
    victim.kill('SIGKILL');
    await dead;
    const [partial] = await world.rows<{ n: number }>(
      'SELECT count(*)::integer AS n FROM stock_prices_1m WHERE ticker = $1',
      [ticker],
    );
    expect([0, bars]).toContain(partial?.n);
    expect((await once(import_(), 'exit'))[0]).toBe(0);
    expect(await storedHash(ticker)).toBe(hash);
  }
  expect(await world.rows(`SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace`)).toEqual([]);
}, 400_000);

it('goes on after what was staged, if the file is still the same', async () => {
  const lines = minuteLines('RESUME', 130_000);
  const file = await world.write('RESUME-1m.csv', `${HEAD}${lines.join('\n')}\n`);
  const cut = async () => {
    const stop = new AbortController();
    await expect(
      importPrices(
        await openSource(file, { signal: stop.signal }),
        {},
        {
          db: world.db,
          signal: stop.signal,
          startedBy: 'test',
          onProgress: ({ rows }) => {
            if (rows > 110_000) stop.abort(new Error('cut'));
          },
        },
      ),
    ).rejects.toThrow(/cut|abort/i);
  };
  await cut();
  expect((await listRuns(world.db, 1))[0]).toMatchObject({ status: 'running' });
  expect(await world.rows('SELECT FROM stock_prices_1m WHERE ticker = $1 LIMIT 1', ['RESUME'])).toHaveLength(0);
  const report = await world.run(file);
  expect(report.resumedAfter).toBeGreaterThanOrEqual(100_000);
  expect(report).toMatchObject({ inserted: 130_000, rowsIn: 130_000 });
  const hash = createHash('sha256').update(lines.join('\n')).digest('hex');
  expect(await storedHash('RESUME')).toBe(hash);
  expect(report.fileHash).toBe(
    createHash('sha256')
      .update(`${HEAD}${lines.join('\n')}\n`)
      .digest('hex'),
  );

  // Another first row: nothing of what was staged may be used.
  const other = lines.map((line) => line.replace('RESUME', 'RESUME2'));
  await world.write('RESUME-1m.csv', `${HEAD}${other.join('\n')}\n`);
  await cut();
  const changed = [...other];
  changed[0] = (other[0] ?? '').replace(/,\d+$/, ',77');
  await world.write('RESUME-1m.csv', `${HEAD}${changed.join('\n')}\n`);
  expect(await world.run(file)).toMatchObject({ resumedAfter: 0, inserted: 130_000 });
  expect(await storedHash('RESUME2')).toBe(createHash('sha256').update(changed.join('\n')).digest('hex'));
}, 200_000);
