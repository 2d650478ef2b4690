import type { LabRun } from '@tapecast/contracts/lab';
import { describe, expect, it } from 'vitest';
import {
  hitSentence,
  nextSentence,
  refitWords,
  repetitionSentence,
  triesSentence,
  verdictSentence,
} from './lab-words.ts';

type Done = LabRun & { result: NonNullable<LabRun['result']> };

function run(more: {
  verdict?: LabRun['verdict'];
  attempt?: number;
  tried?: number;
  returns?: [number, number];
  hit?: [rate: number, low: number, base: number];
  refitEvery?: number;
}): Done {
  const { verdict = 'same', attempt = 1, tried = 1, returns = [0.1, 0.05], hit = [0.52, 0.48, 0.53] } = more;
  return {
    ...{ verdict, attempt, repeatOf: null, original: null, settings: { horizon: 1, refitEvery: more.refitEvery } },
    result: {
      data: { test: 100 },
      training: { tried: Array.from({ length: tried }, () => ({})) },
      test: {
        ...{
          n: 100,
          hitRate: hit[0],
          interval: [hit[1], 0.6],
          baseRate: hit[2],
          difference: { mean: 0.001, pValue: 0.4 },
        },
        ...{ strategy: { totalReturn: returns[0] }, hold: { totalReturn: returns[1] } },
      },
      next: { probability: 0.45, position: 0 },
    },
  } as unknown as Done;
}

describe('the verdict', () => {
  it('is better only when the server was sure', () => {
    expect(verdictSentence(run({ verdict: 'better' }))).toBe(
      'Better than buying and holding: +10.00\u202f% after costs, against +5.00\u202f% for buying and holding.',
    );
    expect(verdictSentence(run({}))).toContain(
      'No better than buying and holding, as far as luck can be told from skill:',
    );
    expect(verdictSentence(run({ attempt: 3, tried: 5 }))).toContain('with 15 tries counted');
    expect(verdictSentence(run({ returns: [0.01, 0.05] }))).toMatch(/^No better than buying and holding: /);
    expect(verdictSentence(run({ verdict: 'too-few' }))).toMatch(/^Too few decisions/);
  });

  it('counts tries', () => {
    expect(triesSentence(run({}))).toBe('');
    expect(triesSentence(run({ tried: 5 }))).toContain('5 sets of parameters were tried: of 5 tries');
    expect(triesSentence(run({ attempt: 4 }))).toContain('This is run 4 of this series: of 4 tries');
    expect(triesSentence(run({ attempt: 4, tried: 5 }))).toContain('of 20 tries');
  });
});

it('a hit rate is compared with the usual direction', () => {
  expect(hitSentence(run({}))).toContain('no surer than that');
  expect(hitSentence(run({ hit: [0.6, 0.55, 0.5] }))).toContain('more than always naming the usual direction');
});

it.each([
  [undefined, /^never/],
  [0, /^never/],
  [100, /^never/],
  [60, /^once, every 60 bars/],
  [30, /^3 times, every 30 bars/],
])('a model taught anew every %s bars', (refitEvery, words) => {
  expect(refitWords(run(refitEvery === undefined ? {} : { refitEvery }))).toMatch(words);
});

it('the next bar, with the probability of what is expected', () => {
  expect(nextSentence(run({}))).toBe(
    'It expects no rise over the next bar with 55.0\u202f%; the strategy would be out.',
  );
});

describe('a repetition', () => {
  const repeated = (dataHash: string, resultHash: string): LabRun => ({
    ...run({}),
    ...{ repeatOf: 7, dataHash, resultHash, original: { dataHash: 'a', resultHash: 'b' } },
  });

  it('says whether it came to the same', () => {
    expect(repetitionSentence(run({}))).toBeNull();
    expect(repetitionSentence(repeated('a', 'b'))).toBe('Identical to run 7, digit for digit.');
    expect(repetitionSentence(repeated('x', 'y'))).toContain('prices were corrected');
    expect(repetitionSentence(repeated('a', 'y'))).toContain('the program has changed');
  });
});
