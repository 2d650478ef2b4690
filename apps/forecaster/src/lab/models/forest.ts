/** A random forest (Breiman 2001): trees on bootstrapped rows, each split choosing from a few features drawn at random. */
import { answerOf, binRows, growTree } from '../../models/binned-trees.ts';
import { baseOf, probability, type Learner } from './learner.ts';

const TREES = 100;
const FEWEST_ROWS = 5;
const LEAF_PRIOR = 5;

export const forest: Learner = {
  defaults: { depth: 4 },
  grid: [2, 3, 4, 6].map((depth) => ({ depth })),
  learn(lesson, { depth = 4 }) {
    const { rows, rises, random } = lesson;
    const binning = binRows(rows);
    const base = baseOf(lesson);
    const targets = rises.map((rise) => rise - base);
    const several = Math.max(1, Math.round(Math.sqrt(binning.width)));
    const draw = (below: number): number => Math.floor(random() * below);
    const choices = (): number[] => {
      const features = Array.from({ length: binning.width }, (_, f) => f);
      for (let i = 0; i < several; i++) {
        const j = i + draw(features.length - i);
        [features[i], features[j]] = [features[j] as number, features[i] as number];
      }
      return features.slice(0, several);
    };
    const trees = Array.from({ length: TREES }, () => {
      const sample = Array.from({ length: rows.length }, () => draw(rows.length));
      return growTree(binning, targets, sample, { depth, fewestRows: FEWEST_ROWS, leafPrior: LEAF_PRIOR, choices });
    });
    return (row) => {
      const bins = binning.toBins(row);
      return probability(base + trees.reduce<number>((sum, tree) => sum + answerOf(tree, bins), 0) / trees.length);
    };
  },
};
