/**
 * Why two of the forecaster's models are its own although libraries offer them: the ARIMA of `arima` (ctsa in WebAssembly) and
 * the forest of `ml-random-forest`, beside what stands in their place, on series whose truth is known.
 *
 *   npm run bench:forecast-libraries -- [--series 100]
 *
 * `arima` prints remarks of its own while it fits; they cannot be turned off.
 */
import { parseArgs } from 'node:util';
import ARIMA from 'arima';
import { RandomForestRegression } from 'ml-random-forest';
import { randomFrom } from '../apps/forecaster/src/lab/random.ts';
import { autoArima } from '../apps/forecaster/src/models/auto-arima.ts';
import { boost } from '../apps/forecaster/src/models/boosting.ts';
import { INDICATOR_NAMES } from '../apps/forecaster/src/models/indicators.ts';
import { isRefusal } from '../apps/forecaster/src/models/model.ts';

const { values } = parseArgs({ options: { series: { type: 'string', default: '100' } } });
const count = Number(values.series);

const BARS = 300;
const AHEAD = 20;
/** Standard deviations of a move over so many bars: where a path expects more, it is no forecast. */
const ABSURD = 6;
const ORDERS = { p: 2, q: 2, P: 0, D: 0, Q: 0 };
/** Each from a series to its next values. */
const ARIMAS: Record<string, (logs: Float64Array) => ArrayLike<number>> = {
  'arima, automatic': (logs) => pathOf({ ...ORDERS, auto: true, d: 1 }, logs),
  'arima, automatic, on steps': (logs) =>
    summed(logs.at(-1) ?? 0, pathOf({ ...ORDERS, auto: true, d: 0 }, stepsOf(logs))),
  'arima (2,1,2)': (logs) => pathOf({ ...ORDERS, d: 1 }, logs),
  'auto-arima (own)': (logs) => {
    const path = autoArima.path(logs, [], AHEAD);
    return isRefusal(path) ? [] : path;
  },
};
/** How much of a step is kept by the next one. */
const MARKETS = { walk: 0, trending: 0.6 };

const figures: Record<string, number> = {};
const arimas = [];
for (const [market, kept] of Object.entries(MARKETS)) {
  const series = Array.from({ length: count }, (_, k) => walkOf({ bars: BARS + AHEAD, kept, seed: k + 1 }));
  for (const [name, pathAfter] of Object.entries(ARIMAS)) {
    const before = process.cpuUsage();
    const paths = series.map((logs) => pathAfter(logs.slice(0, BARS)));
    const cpuMs = cpuMsSince(before) / count;
    const trials = series.map((logs, k) => judge(logs, paths[k] ?? []));
    const sane = trials.filter((trial) => trial.sane);
    const absurd = 1 - sane.length / count;
    arimas.push([name, market, percent(absurd), (sum(sane, 'own') / sum(sane, 'walk')).toFixed(3), cpuMs.toFixed(1)]);
    const key = keyOf(name);
    Object.assign(figures, { [`${key}_${market}_absurd`]: round(absurd), [`${key}_${market}_cpu_ms`]: round(cpuMs) });
  }
}
console.log(
  `\n${AHEAD} bars ahead from ${BARS}, ${count} series of each kind; error of the answers that are not absurd`,
);
table(['', 'series', 'absurd', 'error / last price', 'CPU ms a fit'], arimas);

/** As many as the boosted model learns from, and as wide. */
const ROWS = 440;
const random = randomFrom(5);
const rows = Array.from({ length: 2 * ROWS }, () => Float64Array.from(INDICATOR_NAMES, () => random()));
const truth = rows.map((row) => ((row[0] ?? 0) > 0.5 ? 0.5 : -0.5));
const targets = Float64Array.from(truth, (value) => value + gaussian(random));
const lesson = { rows: rows.slice(0, ROWS), targets: targets.slice(0, ROWS) };
const FORESTS: Record<string, () => (row: Float64Array) => number> = {
  'ml-random-forest, 20 trees': () => {
    const forest = new RandomForestRegression({ nEstimators: 20, maxFeatures: 0.5, seed: 1, noOOB: true });
    forest.train(
      lesson.rows.map((row) => [...row]),
      [...lesson.targets],
    );
    return (row) => forest.predict([[...row]])[0] ?? Number.NaN;
  },
  'boosting (own), 20 trees': () =>
    boost(lesson.rows, lesson.targets, { rounds: 20, rate: 0.1, depth: 2, fewestRows: 20 }),
};
const forests = Object.entries(FORESTS).map(([name, learn]) => {
  const before = process.cpuUsage();
  const predict = learn();
  const cpuMs = cpuMsSince(before);
  const off = rows.slice(ROWS).map((row, i) => (predict(row) - (truth[ROWS + i] ?? 0)) ** 2);
  const error = off.reduce((total, each) => total + each, 0) / off.length / 0.25;
  figures[`${keyOf(name)}_cpu_ms`] = round(cpuMs);
  return [name, error.toFixed(3), cpuMs.toFixed(1)];
});
console.log(
  `\nTrees taught ${ROWS} rows of ${INDICATOR_NAMES.length} features; squared error over that of saying nothing`,
);
table(['', 'error', 'CPU ms a fit'], forests);
console.log(`\n${JSON.stringify({ bench: 'forecast-libraries', series: count, ...figures })}`);

function pathOf(options: ConstructorParameters<typeof ARIMA>[0], series: Float64Array): number[] {
  const model = new ARIMA(options).fit([...series]);
  const [path] = model.predict(AHEAD);
  model.destroy();
  return path;
}

function summed(last: number, steps: readonly number[]): number[] {
  let at = last;
  return steps.map((step) => (at += step));
}

/** Mean absolute errors of a path and of the last price over the bars ahead. */
function judge(logs: Float64Array, path: ArrayLike<number>): { sane: boolean; own: number; walk: number } {
  const last = logs[BARS - 1] ?? 0;
  const steps = stepsOf(logs.subarray(0, BARS));
  const typical = Math.sqrt(steps.reduce((total, step) => total + step * step, 0) / steps.length);
  let [sane, own, walk] = [true, 0, 0];
  for (let h = 0; h < AHEAD; h++) {
    const [expected, actual] = [path[h] ?? Number.NaN, logs[BARS + h] ?? 0];
    sane &&= Math.abs(expected - last) <= ABSURD * typical * Math.sqrt(h + 1);
    own += Math.abs(expected - actual) / AHEAD;
    walk += Math.abs(last - actual) / AHEAD;
  }
  return { sane, own, walk };
}

function walkOf({ bars, kept, seed }: { bars: number; kept: number; seed: number }): Float64Array {
  const draw = randomFrom(seed);
  let [log, step] = [100, 0];
  return Float64Array.from({ length: bars }, () => {
    step = kept * step + gaussian(draw);
    log += step;
    return log;
  });
}

function stepsOf(logs: Float64Array): Float64Array {
  return logs.subarray(1).map((log, i) => log - (logs[i] ?? log));
}

function gaussian(draw: () => number): number {
  return Math.sqrt(-2 * Math.log(1 - draw())) * Math.cos(2 * Math.PI * draw());
}

function cpuMsSince(before: NodeJS.CpuUsage): number {
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function sum(trials: { own: number; walk: number }[], of: 'own' | 'walk'): number {
  return trials.reduce((total, trial) => total + trial[of], 0);
}

function table(head: string[], body: string[][]): void {
  const widths = head.map((_, c) => Math.max(...[head, ...body].map((line) => line[c]?.length ?? 0)));
  for (const line of [head, ...body]) {
    console.log(
      line.map((cell, c) => (c === 0 ? cell.padEnd(widths[c] ?? 0) : cell.padStart(widths[c] ?? 0))).join('  '),
    );
  }
}

/** As a name of a figure: `arima_2_1_2`. */
function keyOf(name: string): string {
  return name.match(/\w+/g)?.join('_') ?? '';
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

function round(value: number): number {
  return Number(value.toFixed(3));
}
