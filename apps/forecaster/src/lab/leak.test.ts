/** Nothing of the test part reaches the training part; leaks that are planted are caught. */
import { expect, test, vi } from 'vitest';
import { LabModel } from '@tapecast/contracts/lab';
import { barsOf, quiet, settingsOf, dayKey } from './bars.fixture.ts';
import { randomWalk } from '../models/random-walk.fixture.ts';
import { assertKnown, createDataset, knownRows, LeakError, walkForward, type Dataset } from './dataset.ts';
import { LabFeature } from '@tapecast/contracts/lab';
import { featureRows, warmUpOf } from './features.ts';
import { LEARNERS } from './models/learners.ts';
import { runLab } from './run-lab.ts';
import { teach } from './teach.ts';

vi.setConfig({ testTimeout: 60_000 });

const COUNT = 560;
const SPLIT = 440;
const closes = randomWalk({ bars: COUNT, seed: 11 });
/** Everything from the divider on is another story. */
const otherFuture = closes.map((close, i) => (i < SPLIT ? close : close * (2 + Math.sin(i))));
const EVERYTHING = LabFeature.options;

test.each(EVERYTHING.map((feature) => [feature]))('%s of a bar know nothing of later bars', (feature) => {
  const [a, b] = [closes, otherFuture].map((each) => featureRows(barsOf(each), [feature]).rows.slice(0, SPLIT));
  expect(a).toEqual(b);
  expect(
    a
      ?.slice(warmUpOf([feature]))
      .flatMap((row) => [...row])
      .every(Number.isFinite),
  ).toBe(true);
});

test.each(LabModel.options)('%s: another future changes nothing of what was taught before the divider', (model) => {
  const said = [closes, otherFuture].map((each) => {
    const dataset = createDataset(barsOf(each), EVERYTHING, 5);
    const learner = LEARNERS[model];
    const predict = teach(dataset, { learner, parameters: learner.defaults, lastKnown: SPLIT - 1, seed: 1 });
    return [300, 350, SPLIT - 1].map((t) => predict(dataset.rows[t] ?? new Float64Array()));
  });
  expect(said[0]).toEqual(said[1]);
});

test('the whole run: training and tuning are the same whatever came after the divider', async () => {
  const settings = settingsOf({ split: dayKey(SPLIT), tuning: true, horizon: 5, model: 'logistic' });
  const [a, b] = await Promise.all(
    [closes, otherFuture].map((each) =>
      runLab({ bars: barsOf(each), simulated: true, settings, seed: 4, report: quiet }),
    ),
  );
  expect(a?.training).toEqual(b?.training);
  expect(a?.series.probability[0]).not.toEqual(b?.series.probability[0]);
  expect(a?.data.purged).toBe(5);
});

test('rows whose outcome reaches the divider are cut', () => {
  const dataset = createDataset(barsOf(closes), ['returns'], 5);
  const known = knownRows(dataset, SPLIT - 1);
  expect(known.at(-1)).toBe(SPLIT - 1 - 5);
  expect(() => assertKnown(dataset, known, SPLIT - 1)).not.toThrow();
});

test('a planted leak is caught: a lesson that keeps the rows before the divider whose outcome lies behind it', () => {
  const dataset = createDataset(barsOf(closes), ['returns'], 5);
  const uncut = Array.from({ length: SPLIT - dataset.warmUp }, (_, i) => dataset.warmUp + i);
  const learner = LEARNERS.ridge;
  const lesson = { learner, parameters: learner.defaults, lastKnown: SPLIT - 1, seed: 1, positions: uncut };
  expect(() => teach(dataset, lesson)).toThrow(LeakError);
});

test('a planted leak is caught: a feature that looks ahead changes what was taught', () => {
  const peeking = (each: readonly number[]): Dataset => {
    const dataset = createDataset(barsOf(each), ['returns'], 5);
    const rows = dataset.rows.map((row, t) => Float64Array.of(...row, (each[t + 5] ?? 0) - (each[t] ?? 0)));
    return { ...dataset, rows };
  };
  const learner = LEARNERS.ridge;
  const said = [closes, otherFuture].map((each) => {
    const dataset = peeking(each);
    const predict = teach(dataset, { learner, parameters: learner.defaults, lastKnown: SPLIT - 1, seed: 1 });
    // Rows whose outcome lies before the divider: an honest model says the same of them in both futures.
    return dataset.rows.slice(SPLIT - 5, SPLIT).map(predict);
  });
  expect(said[0]).not.toEqual(said[1]);
});

test('each fold is judged by rows that come after all that it learns from', () => {
  const dataset = createDataset(barsOf(closes), ['returns'], 5);
  const rows = knownRows(dataset, SPLIT - 1);
  const folds = walkForward(rows, 4);
  const judged = folds.flatMap(({ judges }) => judges);
  expect(judged).toEqual(rows.slice(-judged.length));
  for (const { lastKnown, judges } of folds) {
    const lesson = knownRows(dataset, lastKnown);
    expect(lesson.length).toBeGreaterThan(0);
    expect((lesson.at(-1) ?? 0) + 5).toBeLessThanOrEqual(judges[0] ?? 0);
  }
});
