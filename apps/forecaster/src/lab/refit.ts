/**
 * Through the test part, block by block: each is predicted by a model that was taught by bars before the block alone. With one
 * block that is the model of the divider; with several it learns as time goes on, as it would have in use.
 */
import { type Dataset } from './dataset.ts';
import { type Learner, type Parameters } from './models/learner.ts';
import { teach } from './teach.ts';

/** Each lesson draws from a stream of its own. */
const [FIRST_SEED, SEED_STEP] = [1, 104_729];
/** Shares of the run's progress. */
const [BEGUN, ENDED] = [0.86, 0.95];

/**
 * @param options.first first bar of the test part
 * @param options.refitEvery bars in a block; all of the test part when it is 0 or left out
 * @returns the probability of a rise at each bar of the test part
 * @throws {LeakError} when a lesson held an outcome that was not known then
 */
export async function predictTestPart(
  dataset: Dataset,
  options: {
    learner: Learner;
    parameters: Parameters;
    first: number;
    refitEvery?: number | undefined;
    seed: number;
    report(progress: number, stage: string): Promise<void>;
  },
): Promise<number[]> {
  const { learner, parameters, first, seed, report } = options;
  const rows = dataset.rows.slice(first);
  const size = options.refitEvery || rows.length;
  const blocks = Math.ceil(rows.length / size);
  const probability: number[] = [];
  for (let block = 0; block < blocks; block++) {
    const from = block * size;
    const stage = block === 0 ? 'teaching the training part' : `teaching anew, ${block} of ${blocks - 1}`;
    await report(BEGUN + ((ENDED - BEGUN) * block) / blocks, stage);
    const lesson = { learner, parameters, lastKnown: first + from - 1, seed: seed + FIRST_SEED + SEED_STEP * block };
    probability.push(...rows.slice(from, from + size).map(teach(dataset, lesson)));
  }
  return probability;
}
