/**
 * A whole run, pure but for the pauses in which it reports: bars, settings and a seed in, a result out. Equal input gives an
 * equal result, digit for digit.
 */
import {
  FEWEST_TEST_ROWS,
  FEWEST_TRAINING_ROWS,
  MOST_LAB_REFITS,
  type LabCandidate,
  type LabResult,
  type LabSettings,
} from '@tapecast/contracts/lab';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { dieboldMariano } from '../models/evaluation/diebold-mariano.ts';
import { drawdownOf, positionOf, summarise, walkAccount } from './account.ts';
import { createDataset, knownRows, walkForward, type Dataset } from './dataset.ts';
import { type LabBars } from './features.ts';
import { LEARNERS } from './models/learners.ts';
import { type Predictor } from './models/learner.ts';
import { predictTestPart } from './refit.ts';
import { wilson } from './statistics.ts';
import { teach } from './teach.ts';

/** The settings ask for what these bars cannot give; the message says what would do. */
export class LabRefusedError extends Error {
  override readonly name = 'LabRefusedError';
}

export interface LabInput {
  bars: LabBars;
  simulated: boolean;
  settings: LabSettings;
  seed: number;
  /** Called between two steps; what it throws ends the run. @param progress 0 to 1 */
  report(progress: number, stage: string): Promise<void>;
}

const YEAR = 365.25 * 86_400;
/** Each fit draws from a stream of its own, so that none depends on how many came before. */
const SEED_STEP = 7_919;
const NEXT_SEED = 2;

/** @throws {LabRefusedError} */
export async function runLab(input: LabInput): Promise<LabResult> {
  const { bars, settings, seed, report } = input;
  const { horizon, strategy } = settings;
  const learner = LEARNERS[settings.model];
  await report(0.02, 'computing features');
  const dataset = createDataset(bars, settings.features, horizon);
  const count = bars.times.length;
  const first = bars.times.findIndex((time) => time >= settings.split);
  const trainingRows = knownRows(dataset, first - 1);
  assertEnough(dataset, first, trainingRows.length);
  assertNotTooOften(settings.refitEvery, count - first);

  const training = await validate(input, dataset, trainingRows);
  const parameters = training.chosen.parameters;
  const { refitEvery } = settings;
  const probability = await predictTestPart(dataset, { learner, parameters, first, refitEvery, seed, report });

  const cost = settings.costBps / 10_000;
  const barsPerYear = (YEAR * (count - 1)) / Math.max(1, (bars.times.at(-1) ?? 0) - (bars.times[0] ?? 0));
  const decide = (t: number) => positionOf(probability[t - first] ?? 0.5, strategy);
  const account = walkAccount(bars, { first, every: horizon, cost, decide });
  const holding = walkAccount(bars, { first, every: horizon, cost, decide: () => 1 });

  await report(0.95, 'predicting the next bar');
  const last = count - 1;
  const newest = teach(dataset, { learner, parameters, lastKnown: last, seed: seed + NEXT_SEED });
  const next = rounded(newest(dataset.rows[last] ?? new Float64Array()));

  const differences = account.logReturns.map((each, i) => each - (holding.logReturns[i] ?? 0));
  const times = bars.times.slice(first) as UnixSeconds[];
  return {
    data: {
      from: bars.times[0] as UnixSeconds,
      until: bars.times[last] as UnixSeconds,
      bars: count,
      training: trainingRows.length,
      purged: first - dataset.warmUp - trainingRows.length,
      test: count - first,
      columns: [...dataset.columns],
      simulated: input.simulated,
    },
    training,
    test: {
      ...hits(dataset, first, probability, trainingRows),
      strategy: roundedAll(summarise(account, barsPerYear)),
      hold: roundedAll(summarise(holding, barsPerYear)),
      difference: compare(differences, horizon),
    },
    series: {
      times,
      equity: account.equity.map(rounded),
      hold: holding.equity.map(rounded),
      drawdown: drawdownOf(account.equity).map(rounded),
      holdDrawdown: drawdownOf(holding.equity).map(rounded),
      probability: probability.map(rounded),
    },
    trades: account.trades,
    next: {
      after: bars.times[last] as UnixSeconds,
      close: bars.closes[last] ?? 0,
      probability: next,
      position: positionOf(next, strategy),
    },
  };
}

function assertEnough(dataset: Dataset, first: number, training: number): void {
  const count = dataset.bars.times.length;
  if (training < FEWEST_TRAINING_ROWS) {
    const usable = Math.max(0, training);
    throw new LabRefusedError(
      `${usable} bars are left to learn from before the split, after ${dataset.warmUp} that the indicators need; ` +
        `at least ${FEWEST_TRAINING_ROWS} are needed. Set the split later, or use more bars.`,
    );
  }
  const test = first < 0 ? 0 : count - first - dataset.horizon;
  if (test < FEWEST_TEST_ROWS) {
    throw new LabRefusedError(
      `${Math.max(0, test)} bars with a known outcome lie after the split; at least ${FEWEST_TEST_ROWS} are needed. Set the split earlier.`,
    );
  }
}

function assertNotTooOften(refitEvery: number | undefined, test: number): void {
  const fits = refitEvery ? Math.ceil(test / refitEvery) : 1;
  if (fits <= MOST_LAB_REFITS) return;
  throw new LabRefusedError(
    `The model would be taught ${fits} times over the ${test} bars of the test part; ${MOST_LAB_REFITS} times are the most. ` +
      `Teach it anew every ${Math.ceil(test / MOST_LAB_REFITS)} bars or more, or set the split later.`,
  );
}

/** Walk-forward folds within the training part: they choose the parameters if that is wished, and tell what to expect. */
async function validate(
  { settings, seed, report }: LabInput,
  dataset: Dataset,
  rows: readonly number[],
): Promise<LabResult['training']> {
  const learner = LEARNERS[settings.model];
  const candidates = settings.tuning ? learner.grid : [learner.defaults];
  const folds = walkForward(rows, settings.folds);
  const judged: { candidate: LabCandidate; folds: LabResult['training']['folds'] }[] = [];
  let step = 0;
  for (const parameters of candidates) {
    const told: LabResult['training']['folds'] = [];
    for (const [k, { lastKnown, judges }] of folds.entries()) {
      await report(
        0.04 + (0.82 * step) / (candidates.length * folds.length),
        `${candidates.length > 1 ? `trying parameters ${judged.length + 1} of ${candidates.length}` : 'validating'}, fold ${k + 1} of ${folds.length}`,
      );
      const predict = teach(dataset, { learner, parameters, lastKnown, seed: seed + SEED_STEP * (step + 1) });
      told.push(judge(dataset, predict, judges));
      step += 1;
    }
    const n = told.reduce((sum, fold) => sum + fold.n, 0);
    const mean = (of: 'brier' | 'hitRate') => rounded(told.reduce((sum, fold) => sum + fold.n * fold[of], 0) / n);
    judged.push({
      candidate: { parameters: { ...parameters }, brier: mean('brier'), hitRate: mean('hitRate') },
      folds: told,
    });
  }
  const best = judged.reduce((a, b) => (b.candidate.brier < a.candidate.brier ? b : a));
  return { folds: best.folds, chosen: best.candidate, tried: judged.map(({ candidate }) => candidate) };
}

function judge(dataset: Dataset, predict: Predictor, rows: readonly number[]): LabResult['training']['folds'][number] {
  let [hit, squares] = [0, 0];
  for (const t of rows) {
    const p = predict(dataset.rows[t] ?? new Float64Array());
    const rise = dataset.rises[t] ?? 0;
    if (p > 0.5 === (rise === 1)) hit += 1;
    squares += (p - rise) ** 2;
  }
  const time = (t: number | undefined) => (dataset.bars.times[t ?? 0] ?? 0) as UnixSeconds;
  return {
    from: time(rows[0]),
    until: time(rows.at(-1)),
    n: rows.length,
    hitRate: rounded(hit / rows.length),
    brier: rounded(squares / rows.length),
  };
}

function hits(dataset: Dataset, first: number, probability: readonly number[], trainingRows: readonly number[]) {
  const confusion = { upUp: 0, upDown: 0, downUp: 0, downDown: 0 };
  let squares = 0;
  const n = probability.length - dataset.horizon;
  for (let i = 0; i < n; i++) {
    const [p, rise] = [probability[i] ?? 0.5, dataset.rises[first + i] ?? 0];
    confusion[`${p > 0.5 ? 'up' : 'down'}${rise === 1 ? 'Up' : 'Down'}`] += 1;
    squares += (p - rise) ** 2;
  }
  const hitRate = (confusion.upUp + confusion.downDown) / n;
  // Outcomes of neighbours share all but one of their bars: so many of them are worth one.
  const independent = n / dataset.horizon;
  const risen = (confusion.upUp + confusion.downUp) / n;
  const usual = trainingRows.reduce((sum, t) => sum + (dataset.rises[t] ?? 0), 0) / trainingRows.length;
  const [low, high] = wilson(hitRate, independent);
  return {
    n,
    independent: rounded(independent),
    hitRate: rounded(hitRate),
    interval: [rounded(low), rounded(high)] as [number, number],
    baseRate: rounded(usual > 0.5 ? risen : 1 - risen),
    brier: rounded(squares / n),
    confusion,
  };
}

/** @param horizon a position is held for so long, and neighbours resemble each other by it */
function compare(differences: readonly number[], horizon: number): { mean: number; pValue: number } {
  const { mean, pValue } = dieboldMariano(differences, horizon - 1);
  // One that did nothing else than hold differs by rounding only.
  if (differences.every((each) => Math.abs(each) < 1e-12)) return { mean: 0, pValue: 1 };
  return { mean: Number(mean.toPrecision(6)), pValue: Number((2 * Math.min(pValue, 1 - pValue)).toPrecision(4)) };
}

/** Six decimals are more than anyone reads, and a third of the bytes. */
function rounded(value: number): number {
  return Math.round(value * 1e6) / 1e6;
}

function roundedAll<T extends object>(account: T): T {
  const entries = Object.entries(account).map(([key, value]) => [
    key,
    typeof value === 'number' ? rounded(value) : value,
  ]);
  return Object.fromEntries(entries) as T;
}
