/** A run of the lab in plain words. Nothing is called better unless every try was counted against it. */
import type {
  LabFeature,
  LabModel,
  LabRun,
  LabRunSummary,
  LabState,
  LabStrategy,
  LabVerdict,
} from '@tapecast/contracts/lab';
import { formatPercent } from './numbers.ts';
import { percent } from './score-words.ts';

export const MODEL_NAMES: Record<LabModel, string> = {
  ridge: 'Linear (ridge)',
  logistic: 'Logistic regression',
  nearest: 'Nearest neighbours',
  forest: 'Random forest',
  boosted: 'Boosted trees',
  network: 'Small neural net',
};

export const FEATURE_NAMES: Record<LabFeature, string> = {
  returns: 'Lagged returns',
  'moving-averages': 'Moving averages',
  rsi: 'RSI',
  macd: 'MACD',
  cci: 'CCI',
  stochastic: 'Stochastic',
  bollinger: 'Bollinger bands',
  atr: 'ATR',
  volatility: 'Volatility',
  volume: 'Volume',
  calendar: 'Calendar',
};

export const STRATEGY_NAMES: Record<LabStrategy, string> = { 'long-only': 'Long only', 'long-short': 'Long and short' };

export const STATE_NAMES: Record<LabState, string> = {
  waiting: 'waiting',
  running: 'at work',
  done: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
};

export const VERDICT_NAMES: Record<LabVerdict, string> = {
  better: 'better than holding',
  worse: 'worse than holding',
  same: 'no better than holding',
  'too-few': 'too few to say',
};

type Done = LabRun & { result: NonNullable<LabRun['result']> };

const share = (value: number) => formatPercent(100 * value);

export function verdictSentence({ verdict, result, attempt }: Done): string {
  const { strategy, hold } = result.test;
  const figures = `${share(strategy.totalReturn)} after costs, against ${share(hold.totalReturn)} for buying and holding`;
  if (verdict === 'better') return `Better than buying and holding: ${figures}.`;
  if (verdict === 'worse') return `Worse than buying and holding: ${figures}.`;
  if (verdict === 'too-few') return `Too few decisions to say anything: ${figures}.`;
  if (result.test.difference.mean === 0) return `It did what buying and holding does: ${figures}.`;
  const ahead = strategy.totalReturn > hold.totalReturn;
  const tries = attempt * result.training.tried.length;
  if (!ahead) return `No better than buying and holding: ${figures}.`;
  return tries > 1
    ? `No better than buying and holding, as far as luck can be told from skill with ${tries} tries counted: ${figures}.`
    : `No better than buying and holding, as far as luck can be told from skill: ${figures}.`;
}

export function hitSentence({ result: { test } }: Done): string {
  const [low, high] = test.interval;
  const told = `The direction was right in ${percent(test.hitRate)} of ${test.n} cases (95\u202f% interval ${percent(low)} to ${percent(high)}).`;
  if (low > test.baseRate)
    return `${told} That is more than always naming the usual direction, right in ${percent(test.baseRate)}.`;
  return `${told} Always naming the usual direction was right in ${percent(test.baseRate)}: no surer than that.`;
}

/** Empty where there was one try. */
export function triesSentence({ attempt, result }: Done): string {
  const sets = result.training.tried.length;
  const tries = attempt * sets;
  if (tries === 1) return '';
  const what = [
    attempt > 1 ? `run ${attempt} of this series` : '',
    sets > 1 ? `${sets} sets of parameters were tried` : '',
  ].filter((word) => word !== '');
  return `This is ${attempt > 1 ? what.join(', and ') : `one run in which ${what[0]}`}: of ${tries} tries of pure luck, the best looks good. The verdict counts them all.`;
}

/** How the model went on learning within the test part. */
export function refitWords({ settings, result }: Done): string {
  const { refitEvery = 0 } = settings;
  const times = refitEvery === 0 ? 0 : Math.ceil(result.data.test / refitEvery) - 1;
  if (times === 0) return 'never: the model of the divider judged all of the test part';
  return `${times === 1 ? 'once' : `${times} times`}, every ${refitEvery} bars of the test part, by what was known by then`;
}

export function nextSentence({ result, settings }: Done): string {
  const { probability, position } = result.next;
  const span = settings.horizon === 1 ? 'the next bar' : `the next ${settings.horizon} bars`;
  const lean =
    probability > 0.5
      ? `a rise over ${span} with ${percent(probability)}`
      : `no rise over ${span} with ${percent(1 - probability)}`;
  return `It expects ${lean}; the strategy would be ${{ 1: 'long', 0: 'out', '-1': 'short' }[position]}.`;
}

/** Whether a repetition came to the same; null for a run that is none, or has not ended. */
export function repetitionSentence({ repeatOf, original, dataHash, resultHash }: LabRun): string | null {
  if (repeatOf === null || original === null || resultHash === null) return null;
  if (resultHash === original.resultHash) return `Identical to run ${repeatOf}, digit for digit.`;
  if (dataHash !== original.dataHash)
    return `Not the same bars as run ${repeatOf}: prices were corrected since, so the results differ.`;
  return `Same bars as run ${repeatOf}, another result: the program has changed since.`;
}

export function titleOf({ settings }: Pick<LabRunSummary, 'settings'>): string {
  return `${settings.ticker} by the ${settings.resolution === '1h' ? 'hour' : 'day'}, ${MODEL_NAMES[settings.model].toLowerCase()}`;
}
