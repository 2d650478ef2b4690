/**
 * The Lab: a model is taught on one part of a series and judged on the part after it. A run is a row: its settings and seed go in,
 * a result comes out, and the same bars with the same settings give the same result again.
 */
import { z } from 'zod';
import { ForecastResolution } from './resolution.ts';
import { Ticker } from './ticker.ts';
import { Epoch, Revision, UnixSeconds } from './units.ts';

/** The newest bars that a run may use, and the fewest that each part needs. */
export const MAX_LAB_BARS = 5_000;
export const FEWEST_TRAINING_ROWS = 120;
export const FEWEST_TEST_ROWS = 30;
/** A model is taught anew within the test part so often at most: each time costs as much as a fold. */
export const MOST_LAB_REFITS = 250;
/** Runs that wait or are at work, of all users together. */
export const MOST_OPEN_LAB_RUNS = 20;
/** Runs that one connection may watch. */
export const MOST_WATCHED_LAB_RUNS = 20;
/** No claim is made of a difference that luck would explain as often as this. */
export const LAB_SIGNIFICANCE = 0.05;

export const LabModel = z.enum(['ridge', 'logistic', 'nearest', 'forest', 'boosted', 'network']);
export type LabModel = z.infer<typeof LabModel>;

/** Groups of numbers that a model may see of a bar and of those before it. */
export const LabFeature = z.enum([
  'returns',
  'moving-averages',
  'rsi',
  'macd',
  'cci',
  'stochastic',
  'bollinger',
  'atr',
  'volatility',
  'volume',
  'calendar',
]);
export type LabFeature = z.infer<typeof LabFeature>;

export const LabStrategy = z.enum(['long-only', 'long-short']);
export type LabStrategy = z.infer<typeof LabStrategy>;

export const LabSettings = z.object({
  ticker: Ticker,
  resolution: ForecastResolution,
  model: LabModel,
  features: z
    .array(LabFeature)
    .min(1, 'choose at least one')
    .max(LabFeature.options.length)
    .refine((features) => new Set(features).size === features.length, 'each once'),
  /** Choose the model's parameters by walk-forward folds within the training part; off: its defaults. */
  tuning: z.boolean(),
  /** Bars ahead whose direction is predicted; a position is held as long. */
  horizon: z.int().min(1).max(20),
  /** Key of the first bar of the test part. */
  split: UnixSeconds,
  /** Walk-forward folds within the training part. */
  folds: z.int().min(2).max(10),
  /** Bars of the test part after which the model is taught anew, by all whose outcome is known by then; 0 or left out: never. */
  refitEvery: z.int().min(0).max(MAX_LAB_BARS).optional(),
  strategy: LabStrategy,
  /** Cost of each trade in hundredths of a percent of what is traded; turning from long to short trades twice. */
  costBps: z.number().min(0).max(500),
  /** Bars of the series that are used, counted back from the newest closed one (or from `until`). */
  bars: z.int().min(250).max(MAX_LAB_BARS),
  /** Key of the last bar that may be used; left out: the newest closed one. */
  until: UnixSeconds.optional(),
});
export type LabSettings = z.infer<typeof LabSettings>;

const Seed = z.int().min(0).max(2_147_483_647);

/** A new run, or an earlier one again: same settings, same seed, same last bar. */
export const LabRequest = z.union([
  z.strictObject({ settings: LabSettings, seed: Seed.optional() }),
  z.strictObject({ repeatOf: z.int().positive() }),
]);
export type LabRequest = z.infer<typeof LabRequest>;

export const LabState = z.enum(['waiting', 'running', 'done', 'failed', 'cancelled']);
export type LabState = z.infer<typeof LabState>;

/**
 * `better`, `worse`: after costs, than buying and holding, more surely than luck explains once every try is counted. `same`: no
 * difference that could not be luck. `too-few`: nothing can be said of so few decisions.
 */
export const LabVerdict = z.enum(['better', 'worse', 'same', 'too-few']);
export type LabVerdict = z.infer<typeof LabVerdict>;

/** What an account did over the test part, as shares of what it began with. */
export const LabAccount = z.object({
  totalReturn: z.number(),
  /** Geometric mean over a year. */
  annualReturn: z.number(),
  annualVolatility: z.number(),
  /** Annual; no interest is subtracted. Null where nothing moved. */
  sharpe: z.number().nullable(),
  /** The deepest fall from a peak, as a share of the peak. */
  maxDrawdown: z.number(),
  trades: z.int(),
  /** Share of the bars with a position. */
  exposure: z.number(),
  /** Sum of all costs, as a share of the account at each time. */
  costs: z.number(),
});
export type LabAccount = z.infer<typeof LabAccount>;

export const LabTrade = z.object({
  /** The bar at whose open it was made. */
  time: UnixSeconds,
  side: z.enum(['buy', 'sell']),
  price: z.number(),
  /** Position after it: 1 long, 0 none, -1 short. */
  position: z.literal([1, 0, -1]),
});
export type LabTrade = z.infer<typeof LabTrade>;

export const LabCandidate = z.object({
  parameters: z.record(z.string(), z.number()),
  /** Mean squared error of the probability over all folds; 0.25 is a coin's. */
  brier: z.number(),
  hitRate: z.number(),
});
export type LabCandidate = z.infer<typeof LabCandidate>;

export const LabResult = z.object({
  data: z.object({
    from: UnixSeconds,
    until: UnixSeconds,
    bars: z.int(),
    /** Bars that taught the model, bars left out because their outcome lies beyond the divider, bars that judged it. */
    training: z.int(),
    purged: z.int(),
    test: z.int(),
    /** Names of the columns that the model saw. */
    columns: z.array(z.string()),
    /** Prices came from a simulation. */
    simulated: z.boolean(),
  }),
  training: z.object({
    folds: z.array(
      z.object({ from: UnixSeconds, until: UnixSeconds, n: z.int(), hitRate: z.number(), brier: z.number() }),
    ),
    chosen: LabCandidate,
    /** All that were tried, the chosen one among them. */
    tried: z.array(LabCandidate),
  }),
  test: z.object({
    /** Predictions whose outcome is known, and how many of them are independent: outcomes of neighbours overlap. */
    n: z.int(),
    independent: z.number(),
    hitRate: z.number(),
    /** 95 % Wilson interval of the hit rate, for so many independent predictions. */
    interval: z.tuple([z.number(), z.number()]),
    /** What always naming the direction that was the more frequent one in training would have hit. */
    baseRate: z.number(),
    brier: z.number(),
    /** First the prediction, then what happened. */
    confusion: z.object({ upUp: z.int(), upDown: z.int(), downUp: z.int(), downDown: z.int() }),
    strategy: LabAccount,
    hold: LabAccount,
    /** Mean difference of the log return per bar, strategy less holding, and how often luck would make one as far from 0. */
    difference: z.object({ mean: z.number(), pValue: z.number().nullable() }),
  }),
  /** One value a bar of the test part. Equity begins at 1; drawdown is 0 or below; probability of a rise as predicted at the bar. */
  series: z.object({
    times: z.array(UnixSeconds),
    equity: z.array(z.number()),
    hold: z.array(z.number()),
    drawdown: z.array(z.number()),
    holdDrawdown: z.array(z.number()),
    probability: z.array(z.number()),
  }),
  trades: z.array(LabTrade),
  /** Taught on all that is known by now: what it says of the bars after the last one. */
  next: z.object({
    after: UnixSeconds,
    close: z.number(),
    probability: z.number(),
    position: z.literal([1, 0, -1]),
  }),
});
export type LabResult = z.infer<typeof LabResult>;

/** What moves while a run is at work; sent over the socket. */
export const LabProgress = z.object({
  id: z.int().positive(),
  state: LabState,
  /** 0 to 1. */
  progress: z.number().min(0).max(1),
  /** What it is doing, for people. */
  stage: z.string(),
  error: z.string().nullable(),
});
export type LabProgress = z.infer<typeof LabProgress>;

export const LabRunSummary = LabProgress.extend({
  settings: LabSettings,
  seed: Seed,
  repeatOf: z.int().positive().nullable(),
  /** How many different runs of this series there were by then, this one included: who tries often finds something by luck. */
  attempt: z.int().positive(),
  createdAt: UnixSeconds,
  startedAt: UnixSeconds.nullable(),
  finishedAt: UnixSeconds.nullable(),
  verdict: LabVerdict.nullable(),
  /** Of the test part; null until there is a result. */
  totalReturn: z.number().nullable(),
  holdReturn: z.number().nullable(),
  hitRate: z.number().nullable(),
});
export type LabRunSummary = z.infer<typeof LabRunSummary>;

export const LabRun = LabRunSummary.extend({
  /** The state of the series when it was read; null before that. */
  epoch: Epoch.nullable(),
  revision: Revision.nullable(),
  /** SHA-256 of the bars that were used, and of the result: two runs with equal hashes saw, and said, the same. */
  dataHash: z.string().nullable(),
  resultHash: z.string().nullable(),
  /** The same hashes of the run that this one repeats. */
  original: z.object({ dataHash: z.string().nullable(), resultHash: z.string().nullable() }).nullable(),
  result: LabResult.nullable(),
});
export type LabRun = z.infer<typeof LabRun>;

export const LabRunsQuery = z.object({
  ticker: Ticker.optional(),
  /** Runs with a smaller id. */
  before: z.coerce.number().int().positive().optional(),
  limit: z.coerce.number().int().min(1).max(100).default(20),
});
export type LabRunsQuery = z.infer<typeof LabRunsQuery>;

/** Newest first. */
export const LabRunsAnswer = z.array(LabRunSummary);
export type LabRunsAnswer = z.infer<typeof LabRunsAnswer>;
