/** The command line as a person and a script meet it: output, exit codes, and advice. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '../support/postgres.ts';
import { dailyCsv, openImportWorld, type ImportWorld } from './import-world.ts';

const MAIN = join(import.meta.dirname, '..', '..', 'apps', 'cli', 'src', 'main.ts');
let world: ImportWorld;
beforeAll(async () => {
  world = await openImportWorld();
});
afterAll(() => world.close());

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}

async function tapecast(
  args: string[],
  options: { env?: Record<string, string>; stdin?: string } = {},
): Promise<Ended> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, [MAIN, ...args], {
    cwd: world.folder,
    env: { PATH, HOME, DATABASE_URL: world.database.url, PRICE_SOURCE: 'simulated', ...options.env },
  });
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  child.stdin.end(options.stdin ?? '');
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, stdout, stderr };
}

/** A port on which nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

it('imports from standard input, a second time without a change, and exports the same', async () => {
  const csv = dailyCsv('PIPE', 30);
  const first = await tapecast(['import', '-', '--json'], { stdin: csv });
  expect(first.code).toBe(0);
  expect(JSON.parse(first.stdout)).toMatchObject({ inserted: 30, rowsRejected: 0, resolution: '1d' });
  const second = await tapecast(['import', '-'], { stdin: csv });
  expect(second).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('Nothing changed: all 30 bars are there already'),
  });
  expect(await tapecast(['export', 'pipe'])).toMatchObject({ code: 0, stdout: csv });
  expect(await tapecast(['export', 'PIPE', '-o', 'pipe.csv.gz'])).toMatchObject({ code: 0 });
  expect(gunzipSync(await readFile(join(world.folder, 'pipe.csv.gz'))).toString()).toBe(csv);
  const days = await tapecast(['export', 'PIPE', '--from', '2020-01-05', '--to', '2020-01-06']);
  expect(
    days.stdout
      .split('\n')
      .slice(1, -1)
      .map((line) => line.slice(0, 10)),
  ).toEqual(['2020-01-05', '2020-01-06']);
});

it('refuses a bad file with exit code 3, naming row and column', async () => {
  await world.write('WRONG.csv', dailyCsv('WRONG', 3).replace('2020-01-02T', '2020-02-31T'));
  const people = await tapecast(['import', 'WRONG.csv']);
  expect(people).toMatchObject({
    code: 3,
    stdout: '',
    stderr: expect.stringContaining('row 3, column time: is no date of the calendar'),
  });
  const programs = await tapecast(['import', 'WRONG.csv', '--json']);
  expect(programs.code).toBe(3);
  expect(JSON.parse(programs.stdout)).toMatchObject({
    refused: true,
    rowsRejected: 1,
    faults: [{ row: 3, column: 'time' }],
  });
  expect(await tapecast(['import', 'nowhere.csv'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('nowhere.csv'),
  });
});

it('a dry run changes nothing', async () => {
  const dry = await tapecast(['import', '-', '--dry-run'], { stdin: dailyCsv('DRY', 5) });
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('5 bars would be new') });
  expect(await world.rows(`SELECT FROM stock_prices_1d WHERE ticker = 'DRY'`)).toHaveLength(0);
  expect(await world.rows(`SELECT FROM stock_tickers WHERE ticker = 'DRY'`)).toHaveLength(0);
});

it('finds a bad bar of a file, shows what was made of it, and puts it back', async () => {
  const day = (index: number) => new Date(Date.UTC(2024, 0, 1 + index)).toISOString().slice(0, 10);
  const price = (index: number) => (index === 20 ? 10_000 : 100 + index / 10);
  const lines = Array.from({ length: 40 }, (_, index) => `${day(index)},${Array(4).fill(price(index)).join(',')},5`);
  const csv = `Date,Open,High,Low,Close,Volume\n${lines.join('\n')}\n`;
  const load = (text: string) => tapecast(['import', '-', '--ticker', 'PENCE'], { stdin: text });
  const first = await load(csv);
  expect(first).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/40 bars new.*\n40 bars judged: 1 doubtful, 1 repaired/s),
  });
  const again = expect.stringMatching(/Nothing changed.*\n40 bars judged: 0 doubtful, 0 repaired\.\n$/s);
  expect(await load(csv)).toMatchObject({ code: 0, stdout: again });
  const scan = await tapecast(['repairs', 'scan', 'PENCE', '--json']);
  expect([scan.code, JSON.parse(scan.stdout)]).toEqual([0, { bars: 40, found: 0, changed: 0 }]);
  const [found] = JSON.parse((await tapecast(['repairs', 'list', 'PENCE', '--json'])).stdout) as { id: number }[];
  expect(found).toMatchObject({ rule: 'unit', state: 'repaired', old: Array(4).fill(10_000), new: Array(4).fill(100) });
  const id = String(found?.id);
  expect((await tapecast(['repairs', 'show', id])).stdout).toMatch(/PENCE 1d 2024-01-21\n {2}repaired \(unit\)/);
  expect((await tapecast(['repairs', 'undo', id])).stdout).toMatch(/undone \(unit\)/);
  expect(await world.rows(`SELECT close FROM stock_prices_1d WHERE ticker = 'PENCE' AND close > 200`)).toHaveLength(1);
  expect(await tapecast(['repairs', 'undo', id])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('only repaired and flagged bars'),
  });
  // The person's word stands against the same file, and a file that corrects the bar against both.
  expect(await load(csv)).toMatchObject({ stdout: again });
  const volume = await load(csv.replace(/(10000),5$/m, '$1,6'));
  expect(volume.stdout).toMatch(/1 changed.*\n40 bars judged: 0 doubtful, 0 repaired\.\n$/s);
  const standing = JSON.parse((await tapecast(['repairs', 'show', id, '--json'])).stdout) as unknown;
  expect(standing).toMatchObject({ state: 'undone' });
  expect(await load(csv.replaceAll('10000', '102'))).toMatchObject({ stdout: expect.stringContaining('1 changed') });
  const closed = JSON.parse((await tapecast(['repairs', 'list', 'PENCE', '--all', '--json'])).stdout) as unknown[];
  expect(closed).toMatchObject([{ state: 'superseded', changedBy: 'source' }]);
}, 300_000);

it('judges of a long series what a file brought, and its neighbours', async () => {
  const day = (index: number) => new Date(Date.UTC(2023, 0, 1 + index)).toISOString().slice(0, 10);
  const file = (from: number, until: number, bad: number) =>
    `Date,Open,High,Low,Close,Volume\n${Array.from({ length: until - from }, (_, index) => {
      const at = from + index;
      return `${day(at)},${Array(4)
        .fill(at === bad ? 10_000 : 100 + at / 10)
        .join(',')},${5 + at}\n`;
    }).join('')}`;
  const load = async (text: string) => {
    const { stdout } = await tapecast(['import', '-', '--ticker', 'TAIL', '--json'], { stdin: text });
    return (JSON.parse(stdout) as { judged: unknown }).judged;
  };
  // Nothing tells of the last bar yet whether it is a new level.
  expect(await load(file(0, 200, 199))).toEqual({ bars: 200, found: 1, changed: 0 });
  expect(await load(file(200, 210, -1))).toEqual({ bars: 22, found: 0, changed: 1 });
  const cases = JSON.parse((await tapecast(['repairs', 'list', 'TAIL', '--json'])).stdout) as unknown[];
  expect(cases).toMatchObject([{ rule: 'unit', state: 'repaired', time: Date.UTC(2023, 0, 200) / 1_000 }]);
}, 300_000);

it('adds, removes and lists tickers', async () => {
  expect(await tapecast(['tickers', 'add', 'zzz', 'BRK-B'])).toMatchObject({ code: 0 });
  expect(await tapecast(['tickers', 'remove', 'ZZZ'])).toMatchObject({ code: 0 });
  const { stdout } = await tapecast(['tickers', 'list', '--json']);
  expect(JSON.parse(stdout)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ ticker: 'BRK-B', active: true }),
      expect.objectContaining({ ticker: 'ZZZ', active: false }),
    ]),
  );
  expect(await tapecast(['tickers', 'remove', 'NOBODY'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('NOBODY'),
  });
});

it('brings a schema up, tells what is pending, and undoes', async () => {
  const empty = await createDatabase({ empty: true });
  const env = { DATABASE_URL: empty.url };
  try {
    expect(await tapecast(['tickers', 'list'], { env })).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('tapecast db up'),
    });
    expect((await tapecast(['db', 'status'], { env })).code).toBe(5);
    expect(await tapecast(['db', 'up'], { env })).toMatchObject({ code: 0 });
    expect(await tapecast(['db', 'status'], { env })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('up to date'),
    });
    expect((await tapecast(['db', 'down'], { env })).code).toBe(2);
    expect((await tapecast(['db', 'down', '--yes'], { env })).code).toBe(0);
    const status = await tapecast(['db', 'status', '--json'], { env });
    expect(JSON.parse(status.stdout)).toMatchObject({ pending: 1 });
  } finally {
    await empty.drop();
  }
});

describe('what goes wrong', () => {
  it.each([
    ['an unknown command', ['frobnicate'], 2, /unknown command/],
    ['an unknown option', ['tickers', 'list', '--wrong'], 2, /unknown option/],
    ['no file', ['import'], 2, /missing required argument/],
    ['a resolution that is not stored', ['import', '-', '--resolution', '5m'], 2, /1m, 1h or 1d/],
    ['a ticker that cannot be', ['export', 'a b'], 2, /no ticker/],
    ['an unknown ticker', ['export', 'NEVERSEEN'], 2, /tickers list/],
    ['a time that cannot be read', ['export', '--from', 'yesterday'], 2, /--from/],
  ])('%s', async (_what, args, code, message) => {
    const ended = await tapecast(args);
    expect(ended.stderr).toMatch(message);
    expect(ended.code).toBe(code);
  });

  it('a database that is away, settings that are wrong, and no database at all', async () => {
    const DATABASE_URL = `postgres://nobody@127.0.0.1:${await closedPort()}/tapecast`;
    expect((await tapecast(['tickers', 'list'], { env: { DATABASE_URL } })).code).toBe(4);
    expect(await tapecast(['tickers', 'list'], { env: { DATABASE_URL: 'mysql://x' } })).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('DATABASE_URL'),
    });
    expect(await tapecast(['tickers', 'list'], { env: { DATABASE_URL: '', DATA_DIR: world.folder } })).toMatchObject({
      code: 4,
      stderr: expect.stringContaining('npm start'),
    });
    expect(await tapecast(['tail', 'MSFT', '--origin', 'nonsense'])).toMatchObject({ code: 2 });
  });

  it('help is no failure', async () => {
    expect(await tapecast(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('Exit codes') });
    expect(await tapecast(['import', '--help'])).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('--keep-good'),
    });
    const { stdout } = await tapecast(['db', '--help']);
    for (const command of ['up', 'down', 'status', 'new', 'move-to-timescale']) {
      expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    }
  });
});

describe('doctor', () => {
  it('finds a database that is well, and says what is only missing', async () => {
    const { code, stdout } = await tapecast(['doctor', '--json'], { env: { PORT: String(await closedPort()) } });
    const { findings, problems } = JSON.parse(stdout) as {
      findings: { name: string; state: string; message: string; advice?: string }[];
      problems: number;
    };
    expect({ code, problems }).toEqual({ code: 0, problems: 0 });
    expect(findings.filter(({ name }) => name === 'database').map(({ message }) => message)).toEqual(
      expect.arrayContaining(['the schema is the one of this version', 'LISTEN works']),
    );
    const web = findings.find(({ name }) => name === 'web');
    expect(web).toMatchObject({ state: 'warning', advice: expect.stringContaining('npm start') });
  });

  it('names each problem with its way out', async () => {
    const port = await closedPort();
    const ended = await tapecast(['doctor'], {
      env: {
        DATABASE_URL: `postgres://x@127.0.0.1:${port}/y`,
        QUEUE_URL: `redis://127.0.0.1:${port}`,
        POLL_SECONDS: 'often',
        PORT: String(port),
      },
    });
    expect(ended.code).toBe(5);
    expect(ended.stdout).toMatch(/PROBLEM +settings: [^]*POLL_SECONDS/);
    expect(ended.stdout).toMatch(/PROBLEM +database: [^]*→ Check that the server runs/);
    expect(ended.stdout).toMatch(/PROBLEM +queue: [^]*→ Check that the Redis/);
  });
});
