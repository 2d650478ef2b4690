/** The k nearest bars of the past by Euclidean distance: the share of them after which the price rose. */
import { baseOf, probability, type Learner } from './learner.ts';

/** Neighbours' worth of the usual share of rises, so that few of them do not speak too loudly. */
const PRIOR = 5;

export const nearest: Learner = {
  defaults: { neighbours: 50 },
  grid: [10, 25, 50, 100, 200].map((neighbours) => ({ neighbours })),
  learn(lesson, { neighbours = 50 }) {
    const { rows, rises } = lesson;
    const k = Math.max(1, Math.min(neighbours, rows.length));
    const base = baseOf(lesson);
    return (row) => {
      const distances = Float64Array.from(rows, (each) => squaredDistance(each, row));
      const limit = Float64Array.from(distances).sort()[k - 1] ?? Infinity;
      let [count, risen] = [0, 0];
      for (let i = 0; i < distances.length; i++) {
        if ((distances[i] as number) > limit) continue;
        count += 1;
        risen += rises[i] as number;
      }
      return probability((risen + PRIOR * base) / (count + PRIOR));
    };
  },
};

function squaredDistance(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += ((a[j] as number) - (b[j] as number)) ** 2;
  return sum;
}
