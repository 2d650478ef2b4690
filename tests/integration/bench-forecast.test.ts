/** The forecast benchmark on M4's other frequencies: files in the competition's format, invented here, with scores that can be reckoned by hand. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { M4_RULES, readM4, type Frequency } from '../../bench/forecast/m4-data.ts';
import { type ForecastAnswer } from '../../bench/forecast/messages.ts';
import { scoreM4 } from '../../bench/forecast/table.ts';
import { randomWalk } from '../../apps/forecaster/src/models/random-walk.fixture.ts';

const BENCH = fileURLToPath(new URL('../../bench/forecast.ts', import.meta.url));
/** A process that starts threads, perhaps on two busy cores. */
const LONG = 180_000;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tapecast-m4-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** As the organisers publish them: a head of V1, V2, …, values quoted, rows filled up with blanks to the longest. */
async function publish(name: string, rows: Record<string, readonly number[]>): Promise<void> {
  const width = Math.max(...Object.values(rows).map(({ length }) => length));
  const line = (cells: (string | number)[]): string => cells.map((cell) => `"${cell}"`).join(',');
  const head = line(Array.from({ length: width + 1 }, (_, i) => `V${i + 1}`));
  const body = Object.entries(rows).map(([id, values]) =>
    line([id, ...values, ...new Array<string>(width - values.length).fill('')]),
  );
  await writeFile(join(folder, `${name}.csv`), `${[head, ...body].join('\n')}\n`);
}

/** Rises by one each bar: every naive error is the number of steps ahead, and the scale of MASE is 1. */
const line = (bars: number): number[] => Array.from({ length: bars }, (_, i) => 101 + i);
/** Up and down by 4: errors of the last value are 4 at odd steps and 0 at even ones, its scale is 4. */
const zigzag = (bars: number): number[] => Array.from({ length: bars }, (_, i) => (i % 2 === 0 ? 98 : 102));

const OTHERS = [
  ['daily', 'Daily', 'D', 14],
  ['weekly', 'Weekly', 'W', 13],
] as const satisfies [Frequency, string, string, number][];

describe.each(OTHERS)('%s', (frequency, name, letter, horizon) => {
  const whole = { [`${letter}1`]: line(80 + horizon), [`${letter}2`]: zigzag(60 + horizon) };

  beforeAll(async () => {
    const cut = (part: (values: number[]) => number[]) =>
      Object.fromEntries(Object.entries(whole).map(([id, values]) => [id, part(values)]));
    await publish(
      `${name}-train`,
      cut((values) => values.slice(0, -horizon)),
    );
    await publish(
      `${name}-test`,
      cut((values) => values.slice(-horizon)),
    );
  });

  it('has the horizon and the period of the competition', () => {
    expect(M4_RULES[frequency]).toMatchObject({ horizon, period: 1 });
  });

  it('is read whole, without the blanks', () => {
    const series = readM4(folder, frequency);
    expect(series.map(({ id, train, test }) => [id, train.length, test.length])).toEqual([
      [`${letter}1`, 80, horizon],
      [`${letter}2`, 60, horizon],
    ]);
    for (const { id, train, test } of series) expect([...train, ...test]).toEqual(whole[id]);
  });

  it('is scored as by hand: without a season both benchmarks are the last value', () => {
    const series = readM4(folder, frequency);
    const perfect = series.map(({ test }): ForecastAnswer => {
      const [lower, upper] = [test.map((value) => value - 1), test.map((value) => value + 1)];
      return { shown: 'seer', models: [{ model: 'seer', median: test, lower, upper }], cpuMs: 1, fitMs: { seer: 1 } };
    });
    const table = scoreM4(series, perfect, frequency);
    // The line: 1, 2, … steps off. The zigzag, which begins anew at a high or a low: 4 off every second time.
    const odd = Math.ceil(horizon / 2) / horizon;
    expect(table.naive2.mase).toBeCloseTo(((horizon + 1) / 2 + odd) / 2, 9);
    const last = 180;
    const smapes = Array.from({ length: horizon }, (_, h) => (200 * (h + 1)) / (2 * last + h + 1));
    const lineSmape = smapes.reduce((sum, value) => sum + value, 0) / horizon;
    expect(table.naive2.smape).toBeCloseTo((lineSmape + odd * ((200 * 4) / 200)) / 2, 9);
    expect(table.seasonalNaive).toEqual(table.naive2);
    expect(table.naive2.owa).toBe(1);
    expect(table.shown).toMatchObject({ smape: 0, mase: 0, owa: 0, coverage95: 1 });
    // A band two wide that holds everything, over the scales 1 and 4.
    expect(table.shown.msis95).toBeCloseTo((2 / 1 + 2 / 4) / 2, 9);
  });

  it('goes through the whole benchmark', { timeout: LONG }, async () => {
    const walks = [1, 2].map((seed) => randomWalk({ bars: 90 + horizon, seed }));
    await publish(`${name}-train`, { X1: walks[0]?.slice(0, -horizon) ?? [], X2: walks[1]?.slice(0, -horizon) ?? [] });
    await publish(`${name}-test`, { X2: walks[1]?.slice(-horizon) ?? [], X1: walks[0]?.slice(-horizon) ?? [] });
    const { stdout } = await promisify(execFile)(process.execPath, [BENCH, '--m4', folder, '--freq', frequency], {
      timeout: LONG,
    });
    const figures: unknown = JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    // Of random walks nothing is better than the last value, which is Naive2 where there is no season.
    expect(figures).toMatchObject({ bench: 'forecast', freq: frequency, series: 2, snaive_owa: 1, owa: 1 });
  });
});

it.each([
  ['a file that is not there', {}, /ENOENT/],
  [
    'a row without a partner',
    { 'Daily-train': { A1: line(30) }, 'Daily-test': { A2: line(14) } },
    /no whole row for A1/,
  ],
  [
    'a test part of another length',
    { 'Daily-train': { A1: line(30) }, 'Daily-test': { A1: line(13) } },
    /no whole row/,
  ],
])('%s is named', async (_what, files, words) => {
  await rm(join(folder, 'Daily-train.csv'), { force: true });
  for (const [name, rows] of Object.entries(files)) await publish(name, rows);
  expect(() => readM4(folder, 'daily')).toThrow(words);
});
