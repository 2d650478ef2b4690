/** A model that is taught anew within the test part learns what has become known by then, and nothing of what comes after. */
import { LabFeature, LabModel, MOST_LAB_REFITS } from '@tapecast/contracts/lab';
import { expect, test, vi } from 'vitest';
import { randomWalk } from '../models/random-walk.fixture.ts';
import { barsOf, dayKey, quiet, settingsOf } from './bars.fixture.ts';
import { createDataset } from './dataset.ts';
import { LEARNERS } from './models/learners.ts';
import { randomFrom } from './random.ts';
import { LabRefusedError, runLab } from './run-lab.ts';
import { predictTestPart } from './refit.ts';

vi.setConfig({ testTimeout: 90_000 });

const COUNT = 520;
const SPLIT = 400;
const HORIZON = 3;
const closes = randomWalk({ bars: COUNT, seed: 21 });

function walked(prices: readonly number[], model: LabModel, refitEvery?: number): Promise<number[]> {
  const dataset = createDataset(barsOf(prices), LabFeature.options, HORIZON);
  const learner = LEARNERS[model];
  const options = { learner, parameters: learner.defaults, first: SPLIT, refitEvery, seed: 3, report: quiet };
  return predictTestPart(dataset, options);
}

test.each(LabModel.options)('%s: another future changes nothing of what was said before it', async (model) => {
  const turn = SPLIT + 70;
  const otherFuture = closes.map((close, i) => (i < turn ? close : close * (2 + Math.sin(i))));
  const [a, b] = [await walked(closes, model, 25), await walked(otherFuture, model, 25)];
  expect(a).toHaveLength(COUNT - SPLIT);
  expect(a.slice(0, turn - SPLIT)).toEqual(b.slice(0, turn - SPLIT));
  expect(a.slice(turn - SPLIT)).not.toEqual(b.slice(turn - SPLIT));
});

test('until it is taught anew it is the model of the divider; then another', async () => {
  const [once, never, often] = [
    await walked(closes, 'logistic'),
    await walked(closes, 'logistic', 0),
    await walked(closes, 'logistic', 30),
  ];
  expect(never).toEqual(once);
  expect(often.slice(0, 30)).toEqual(once.slice(0, 30));
  expect(often.slice(30)).not.toEqual(once.slice(30));
});

test('what it learns within the test part is cut where its outcome is not known yet', async () => {
  const seen: number[] = [];
  const learner = {
    ...LEARNERS.ridge,
    learn: ({ rows }: { rows: readonly Float64Array[] }) => {
      seen.push(rows.length);
      return () => 0.5;
    },
  };
  const dataset = createDataset(barsOf(closes), ['returns'], HORIZON);
  await predictTestPart(dataset, { learner, parameters: {}, first: SPLIT, refitEvery: 50, seed: 1, report: quiet });
  expect(seen).toEqual([SPLIT, SPLIT + 50, SPLIT + 100].map((from) => from - dataset.warmUp - HORIZON));
});

/** After a rise it rises, three times of four; from the turn on it falls. */
function turning(count: number, turn: number): number[] {
  const random = randomFrom(9);
  let [price, up] = [100, true];
  return Array.from({ length: count }, (_, i) => {
    up = random() < (i < turn ? 0.75 : 0.25) ? up : !up;
    price *= 1 + (up ? 1 : -1) * (0.004 + 0.012 * random());
    return price;
  });
}

test('a market that turns is learnt anew, and a run says so', async () => {
  const bars = barsOf(turning(1_500, 620));
  const settings = { split: dayKey(600), features: ['returns'], strategy: 'long-short', bars: 1_500 };
  const run = async (refitEvery: number) =>
    runLab({ bars, simulated: true, settings: settingsOf({ ...settings, refitEvery }), seed: 1, report: quiet });
  const [once, often] = [await run(0), await run(20)];
  expect(once.test.hitRate).toBeLessThan(0.4);
  expect(often.test.hitRate).toBeGreaterThan(once.test.hitRate + 0.1);
  expect(often.training).toEqual(once.training);
  expect(often.next).toEqual(once.next);
});

test('so often that it would take forever is refused in words', async () => {
  const bars = barsOf(randomWalk({ bars: 900, seed: 2 }));
  const settings = settingsOf({ split: dayKey(400), refitEvery: 1 });
  const refusal = runLab({ bars, simulated: true, settings, seed: 1, report: quiet });
  await expect(refusal).rejects.toThrow(LabRefusedError);
  await expect(refusal).rejects.toThrow(`Teach it anew every ${Math.ceil(500 / MOST_LAB_REFITS)} bars or more`);
});

test('tells how far it is, rising', async () => {
  const told: number[] = [];
  const settings = settingsOf({ split: dayKey(400), refitEvery: 10 });
  const bars = barsOf(closes);
  await runLab({ bars, simulated: true, settings, seed: 1, report: async (progress) => void told.push(progress) });
  expect(told).toEqual(told.toSorted((a, b) => a - b));
  expect(told.length).toBeGreaterThan(12);
});
