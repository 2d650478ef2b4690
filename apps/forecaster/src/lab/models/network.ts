/** A neural net with one small hidden layer, taught by Adam (Kingma and Ba 2015) in batches, with weight decay. */
import { baseOf, probability, sigmoid, type Learner, type Lesson } from './learner.ts';

const EPOCHS = 60;
const BATCH = 32;
const RATE = 0.005;
const [KEEP_MEAN, KEEP_SQUARE] = [0.9, 0.999];

export const network: Learner = {
  defaults: { units: 8, decay: 0.01 },
  grid: [4, 8].flatMap((units) => [0.001, 0.01, 0.1].map((decay) => ({ units, decay }))),
  learn(lesson, { units = 8, decay = 0.01 }) {
    const width = lesson.rows[0]?.length ?? 0;
    const weights = teach(lesson, width, units, decay);
    const hidden = new Float64Array(units);
    return (row) => probability(sigmoid(forward(weights, row, hidden)));
  },
};

/** Layout of the weights: for each unit its bias and inputs; then the output's bias and its units. */
function teach(lesson: Lesson, width: number, units: number, decay: number): Float64Array {
  const { rows, rises, random } = lesson;
  const output = units * (width + 1);
  const weights = new Float64Array(output + units + 1);
  const scale = 1 / Math.sqrt(width + 1);
  for (let i = 0; i < output; i++) if (i % (width + 1) !== 0) weights[i] = (2 * random() - 1) * scale;
  for (let u = 1; u <= units; u++) weights[output + u] = (2 * random() - 1) / Math.sqrt(units);
  const base = baseOf(lesson);
  weights[output] = Math.log(base / (1 - base));

  const [mean, square, slope] = [weights, weights, weights].map((each) => new Float64Array(each.length)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const hidden = new Float64Array(units);
  const order = Array.from({ length: rows.length }, (_, i) => i);
  let step = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    shuffle(order, random);
    for (let start = 0; start < order.length; start += BATCH) {
      const batch = order.slice(start, start + BATCH);
      slope.fill(0);
      for (const i of batch) {
        const row = rows[i] as Float64Array;
        const error = (sigmoid(forward(weights, row, hidden)) - (rises[i] as number)) / batch.length;
        addSlope(slope, weights, row, hidden, error);
      }
      step += 1;
      for (let w = 0; w < weights.length; w++) {
        const isBias = w < output ? w % (width + 1) === 0 : w === output;
        const g = (slope[w] as number) + (isBias ? 0 : decay * (weights[w] as number));
        mean[w] = KEEP_MEAN * (mean[w] as number) + (1 - KEEP_MEAN) * g;
        square[w] = KEEP_SQUARE * (square[w] as number) + (1 - KEEP_SQUARE) * g * g;
        const [m, v] = [
          (mean[w] as number) / (1 - KEEP_MEAN ** step),
          (square[w] as number) / (1 - KEEP_SQUARE ** step),
        ];
        weights[w] = (weights[w] as number) - (RATE * m) / (Math.sqrt(v) + 1e-8);
      }
    }
  }
  return weights;
}

/** @param hidden filled with what the units say */
function forward(weights: Float64Array, row: Float64Array, hidden: Float64Array): number {
  const width = row.length;
  const output = hidden.length * (width + 1);
  let sum = weights[output] as number;
  for (let u = 0; u < hidden.length; u++) {
    const at = u * (width + 1);
    let z = weights[at] as number;
    for (let j = 0; j < width; j++) z += (weights[at + 1 + j] as number) * (row[j] as number);
    hidden[u] = Math.tanh(z);
    sum += (weights[output + 1 + u] as number) * (hidden[u] as number);
  }
  return sum;
}

function addSlope(
  slope: Float64Array,
  weights: Float64Array,
  row: Float64Array,
  hidden: Float64Array,
  error: number,
): void {
  const width = row.length;
  const output = hidden.length * (width + 1);
  slope[output] = (slope[output] as number) + error;
  for (let u = 0; u < hidden.length; u++) {
    const said = hidden[u] as number;
    const into = output + 1 + u;
    slope[into] = (slope[into] as number) + error * said;
    const back = error * (weights[into] as number) * (1 - said * said);
    const at = u * (width + 1);
    slope[at] = (slope[at] as number) + back;
    for (let j = 0; j < width; j++) slope[at + 1 + j] = (slope[at + 1 + j] as number) + back * (row[j] as number);
  }
}

function shuffle(order: number[], random: () => number): void {
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
}
