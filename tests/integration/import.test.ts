/** Files into the database: once, wholly, and traceable, whatever is in them. */
import { createServer } from 'node:http';
import { once } from 'node:events';
import { type AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { unixSeconds } from '@tapecast/contracts/units';
import { readRun, listRuns } from '@tapecast/db/ingest-runs';
import { exportBars, EXPORT_HEADER } from '@tapecast/db/export-bars';
import { readHeads } from '@tapecast/db/series';
import { writeBars } from '@tapecast/db/write-bars';
import { ImportError, ImportRefusedError } from '@tapecast/ingest/import/errors';
import { importTable } from '@tapecast/ingest/import/import-table';
import { openSource } from '@tapecast/ingest/import/source';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { dailyCsv, openImportWorld, YAHOO_HEAD, type ImportWorld } from './import-world.ts';

let world: ImportWorld;
beforeAll(async () => {
  world = await openImportWorld();
});
afterAll(() => world.close());

async function revision(ticker: string): Promise<number> {
  const { heads } = await readHeads(world.db, [ticker]);
  return heads.find(({ resolution }) => resolution === '1d')?.revision ?? 0;
}

async function stored(ticker: string): Promise<{ day: string; close: number; source: string }[]> {
  return world.rows(
    `SELECT to_char(time AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day, close, source FROM stock_prices_1d WHERE ticker = $1 ORDER BY time`,
    [ticker],
  );
}

describe('an import', () => {
  it('is traceable, and changes nothing the second time', async () => {
    const file = await world.write(
      'TWICE.csv',
      `${YAHOO_HEAD}\n2024-01-02,1,3,1,2,1.9,100\n2024-01-03,2,3,1,2.5,2.4,200\n`,
    );
    const first = await world.run(file);
    expect(first).toMatchObject({ inserted: 2, updated: 0, rowsIn: 2, rowsKept: 2, rowsRejected: 0, resolution: '1d' });
    expect(await stored('TWICE')).toEqual([
      { day: '2024-01-02', close: 2, source: `csv:${first.run}` },
      { day: '2024-01-03', close: 2.5, source: `csv:${first.run}` },
    ]);
    const before = await revision('TWICE');
    const second = await world.run(file);
    expect(second).toMatchObject({ inserted: 0, updated: 0, rowsKept: 2, fileHash: first.fileHash });
    expect(await revision('TWICE')).toBe(before);
    expect((await stored('TWICE')).map(({ source }) => source)).toEqual([`csv:${first.run}`, `csv:${first.run}`]);
    expect(await readRun(world.db, first.run ?? 0)).toMatchObject({
      status: 'done',
      source: file,
      target: 'stock_prices_1d',
      rowsIn: 2,
      rowsKept: 2,
      rowsRejected: 0,
      rowsChanged: 2,
      fileHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      startedBy: expect.stringContaining('tapecast_ingestor'),
    });
    expect(await world.rows(`SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace`)).toEqual([]);
  });

  it('raises the revision once for a file of many bars, and corrects its own bars', async () => {
    await world.run(await world.write('MANY.csv', dailyCsv('MANY', 300)));
    expect(await revision('MANY')).toBe(1);
    const changed = dailyCsv('MANY', 300).replace('100,102,99,101,', '100,102,99,101.5,');
    const report = await world.run(await world.write('MANY.csv', changed));
    expect(report).toMatchObject({ inserted: 0, updated: 1 });
    expect(await revision('MANY')).toBe(2);
  });

  it('leaves the vendor\u2019s bars alone unless told to overwrite them, and replaces live ones', async () => {
    const bar = { ticker: 'BOTH', open: 5, high: 5, low: 5, close: 5, closeAdj: null, volume: 1 };
    const day = (date: string) => unixSeconds(Date.parse(date) / 1_000);
    await writeBars(world.db, '1d', [
      { ...bar, time: day('2024-01-02'), source: 'yahoo' },
      { ...bar, time: day('2024-01-03'), source: 'yahoo:live' },
    ]);
    const file = await world.write(
      'BOTH.csv',
      `${YAHOO_HEAD}\n2024-01-02,1,3,1,2,1.9,100\n2024-01-03,2,3,1,2.5,2.4,200\n`,
    );
    expect(await world.run(file, { dryRun: true })).toMatchObject({
      run: null,
      inserted: 0,
      updated: 1,
      leftToVendor: 1,
    });
    expect((await stored('BOTH')).map(({ close }) => close)).toEqual([5, 5]);
    expect(await world.run(file)).toMatchObject({ inserted: 0, updated: 1, leftToVendor: 1 });
    expect((await stored('BOTH')).map(({ close }) => close)).toEqual([5, 2.5]);
    expect(await world.run(file, { overwrite: true })).toMatchObject({ updated: 1, leftToVendor: 0 });
    expect((await stored('BOTH')).map(({ close }) => close)).toEqual([2, 2.5]);
  });

  it('keeps nothing of a file with a bad row, and names row and column', async () => {
    const file = await world.write(
      'BADROW.csv',
      `${YAHOO_HEAD}\n2024-01-02,1,3,1,2,1.9,100\n2024-02-31,2,3,1,2.5,2.4,200\n2024-01-04,2,3,1,1e308,2.4,200\n2024-01-05,2,1,3,2,2,x\n`,
    );
    const error = await world.run(file).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(ImportRefusedError);
    expect((error as ImportRefusedError).faults.map(({ row, column }) => [row, column])).toEqual([
      [3, 'Date'],
      [4, 'Close'],
      [5, 'Volume'],
    ]);
    expect(await stored('BADROW')).toEqual([]);
    const [run] = await listRuns(world.db, 1);
    expect(run).toMatchObject({ status: 'refused', rowsRejected: 3, rowsKept: 0 });
  });

  it('keeps the good rows when told so, and the bad ones as evidence', async () => {
    const file = await world.write(
      'KEPT.csv',
      `${YAHOO_HEAD}\n2024-01-02,1,3,1,2,1.9,100\n2024-01-03,0,3,1,2.5,2.4,200\n\n2024-01-04,null,null,null,null,null,null\n`,
    );
    const report = await world.run(file, { keepGood: true });
    expect(report).toMatchObject({ rowsIn: 3, rowsKept: 1, rowsRejected: 2, inserted: 1 });
    expect(
      await world.rows(
        `SELECT reason, count::integer, raw->>'row' AS row, raw->>'column' AS "column", (raw->>'run')::integer AS run FROM rejected_rows WHERE ticker = 'KEPT' ORDER BY reason`,
      ),
    ).toEqual([
      { reason: 'not_positive', count: 1, row: '3', column: 'Open', run: report.run },
      { reason: 'null_price', count: 1, row: '5', column: 'Open', run: report.run },
    ]);
  });

  it('takes a repeated row once and refuses two that contradict each other', async () => {
    const row = '2024-01-02,1,3,1,2,1.9,100';
    expect(await world.run(await world.write('AGAIN.csv', `${YAHOO_HEAD}\n${row}\n${row}\n`))).toMatchObject({
      inserted: 1,
      repeated: 1,
    });
    const file = await world.write('CONTRA.csv', `${YAHOO_HEAD}\n${row}\n2024-01-02,1,3,1,2.5,1.9,100\n`);
    await expect(world.run(file)).rejects.toThrow(/row 3, column Date: row 2 gives the same bar other values/);
    expect(await stored('CONTRA')).toEqual([]);
  });

  it('does not take a bar that has not ended', async () => {
    const today = new Date().toISOString().slice(0, 10);
    const report = await world.run(
      await world.write('NOW.csv', `${YAHOO_HEAD}\n2024-01-02,1,3,1,2,1.9,100\n${today},1,3,1,2,1.9,100\n`),
    );
    expect(report).toMatchObject({ inserted: 1, forming: 1 });
    await expect(
      world.run(await world.write('SOON.csv', `${YAHOO_HEAD}\n2999-01-02,1,3,1,2,1.9,100\n`)),
    ).rejects.toThrow(/row 2, column Date: 2999-01-02 is in the future/);
  });
});

it('reads a URL with a query, and keeps its key out of the book', async () => {
  const server = createServer((request, response) => {
    const good = request.url === '/download/WEB.csv?range=1y&apikey=geheim';
    response.writeHead(good ? 200 : 404).end(good ? `${YAHOO_HEAD}\n2024-01-02,1,3,1,2,1.9,100\n` : 'no');
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  try {
    const report = await world.run(`${origin}/download/WEB.csv?range=1y&apikey=geheim`);
    expect(report).toMatchObject({ inserted: 1 });
    expect((await readRun(world.db, report.run ?? 0))?.source).toBe(`${origin}/download/WEB.csv?range=1y&apikey=***`);
    await expect(world.run(`${origin}/gone.csv`)).rejects.toThrow(ImportError);
  } finally {
    server.close();
  }
});

it('what was exported is imported unchanged', async () => {
  await world.run(await world.write('ROUND.csv', dailyCsv('ROUND', 400)));
  const read = async () => {
    let text = EXPORT_HEADER;
    for await (const { lines } of exportBars(world.db, { tickers: ['ROUND'], resolution: '1d' })) text += lines;
    return text;
  };
  const exported = await read();
  expect(exported.split('\n')).toHaveLength(402);
  expect(await world.run(await world.write('out.csv', exported))).toMatchObject({
    inserted: 0,
    updated: 0,
    rowsKept: 400,
  });
  const other = exported.replaceAll('ROUND', 'ROUND2');
  expect(await world.run(await world.write('out.csv', other))).toMatchObject({ inserted: 400 });
});

it('loads any other CSV with the types of all its rows', async () => {
  const csv =
    'Ticker,Report Date,EPS,Shares,Code,Estimate?,At\nMSFT,2024-01-30,2.93,100,007,true,2024-01-30T21:00:00Z\nAAPL,2024-02-01,,12345678901,8,false,2024-02-01T21:30:00+00:00\n"A ""B""\n\tC",2024-02-02,1e2,3,x,true,2024-02-01T21:30:00Z\n';
  const { signal } = new AbortController();
  const load = async (text: string) =>
    importTable(
      await openSource(await world.write('earnings.csv', text), { signal }),
      { table: 'earnings' },
      { db: world.db, signal, startedBy: 'test' },
    );
  expect(await load(csv)).toMatchObject({
    table: 'imports.earnings',
    rows: 3,
    replaced: false,
    columns: [
      { name: 'ticker', type: 'text' },
      { name: 'report_date', type: 'date' },
      { name: 'eps', type: 'double precision' },
      { name: 'shares', type: 'bigint' },
      { name: 'code', type: 'text' },
      { name: 'estimate', type: 'boolean' },
      { name: 'at', type: 'timestamp with time zone' },
    ],
  });
  expect(await world.rows(`SELECT ticker, eps, code FROM imports.earnings ORDER BY report_date`)).toEqual([
    { ticker: 'MSFT', eps: 2.93, code: '007' },
    { ticker: 'AAPL', eps: null, code: '8' },
    { ticker: 'A "B"\n\tC', eps: 100, code: 'x' },
  ]);
  expect(await load(csv)).toMatchObject({ rows: 3, replaced: true });
  await expect(load(`${csv}too,few\n`)).rejects.toThrow(/row 5, column EPS/);
  expect(await world.rows('SELECT count(*)::integer AS n FROM imports.earnings')).toEqual([{ n: 3 }]);
});

describe('whatever the file holds', () => {
  const NASTY = fc.constantFrom(
    '"',
    '\u0000',
    '\r',
    '\n',
    ',',
    '\ufeff',
    '1e308',
    '-1',
    '',
    '2024-02-31',
    'null',
    '\\N',
    '\t',
    '\\.',
    'é',
    '999999999999999999999',
  );
  const edit = fc.record({
    at: fc.double({ min: 0, max: 1, noNaN: true }),
    cut: fc.nat(6),
    put: fc.oneof(NASTY, fc.string({ maxLength: 4 })),
  });

  it('never crashes, never loads a part, and names row and column of each bad row', async () => {
    const base = dailyCsv('FUZZ', 40);
    let number = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        fc.boolean(),
        fc.boolean(),
        async (edits, packed, truncated) => {
          number += 1;
          const ticker = `FUZZ${number}`;
          let text = base.replaceAll('FUZZ', ticker);
          for (const { at, cut, put } of edits) {
            const place = Math.floor(at * text.length);
            text = text.slice(0, place) + put + text.slice(place + cut);
          }
          let bytes: Buffer = Buffer.from(text);
          if (packed) bytes = gzipSync(bytes);
          if (truncated) bytes = bytes.subarray(0, Math.floor(bytes.length * 0.9));
          const before = await world.rows<{ n: number }>('SELECT count(*)::integer AS n FROM stock_prices_1d');
          const outcome = await world
            .run(await world.write(`${ticker}.csv`, bytes), { resolution: '1d' })
            .catch((error: unknown) => error);
          const after = await world.rows<{ n: number }>('SELECT count(*)::integer AS n FROM stock_prices_1d');
          const grown = (after[0]?.n ?? 0) - (before[0]?.n ?? 0);
          if (outcome instanceof ImportRefusedError) {
            expect(outcome.faults.length).toBeGreaterThan(0);
            for (const { row, column, message } of outcome.faults) {
              expect(row).toBeGreaterThan(1);
              expect(column).not.toBe('');
              expect(message).not.toBe('');
            }
            expect(grown).toBe(0);
          } else if (outcome instanceof ImportError) {
            expect(grown).toBe(0);
          } else {
            const report = outcome as Awaited<ReturnType<ImportWorld['run']>>;
            expect(report.rowsRejected).toBe(0);
            expect(grown).toBe(report.inserted);
            expect(report.inserted + report.repeated).toBe(report.rowsKept);
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(await world.rows(`SELECT relname FROM pg_class WHERE relnamespace = 'staging'::regnamespace`)).toEqual([]);
  });
});
