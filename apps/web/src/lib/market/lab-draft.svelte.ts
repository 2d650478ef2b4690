/** What the form of the lab holds: a run's settings before they are sent. */
import type { LabFeature, LabModel, LabRequest, LabRun, LabSettings, LabStrategy } from '@tapecast/contracts/lab';
import type { ForecastResolution } from '@tapecast/contracts/resolution';

/** As in the contracts, whose validators the browser does not need. */
const MOST_BARS = 5_000;
const DEFAULT_BARS = 2_000;
const TRAINING_SHARE = 0.7;
/** A month of days, three days of a stock's hours. */
const DEFAULT_REFIT = 20;

export class LabDraft {
  ticker = $state('');
  resolution = $state<ForecastResolution>('1d');
  model = $state<LabModel>('logistic');
  features = $state<LabFeature[]>(['returns', 'moving-averages', 'rsi', 'macd', 'volatility']);
  tuning = $state(false);
  horizon = $state(1);
  /** `2024-05-01`; empty until the history is known. */
  split = $state('');
  folds = $state(5);
  /** Bars; 0 for never. */
  refitEvery = $state(DEFAULT_REFIT);
  strategy = $state<LabStrategy>('long-only');
  costBps = $state(10);
  bars = $state(DEFAULT_BARS);
  /** Empty for one drawn by the server. */
  seed = $state<number | null>(null);
  /** The reader has chosen the date: it stays when the history changes. */
  splitChosen = $state(false);

  take({ settings, seed }: Pick<LabRun, 'settings' | 'seed'>): void {
    const { ticker, resolution, model, features, tuning, horizon, split, folds, strategy, costBps, bars } = settings;
    const { refitEvery = 0 } = settings;
    Object.assign(this, {
      ticker,
      resolution,
      model,
      features: [...features],
      tuning,
      horizon,
      folds,
      refitEvery,
      strategy,
      costBps,
    });
    [this.bars, this.seed, this.split, this.splitChosen] = [bars, seed, dateOf(split), true];
  }

  /** @param times keys of the bars that a run would use, rising */
  suggestSplit(times: readonly number[]): void {
    const time = times[Math.round(TRAINING_SHARE * times.length)];
    if (time !== undefined && !this.splitChosen) this.split = dateOf(time);
  }

  get splitTime(): number {
    return Date.parse(`${this.split}T00:00:00Z`) / 1_000;
  }

  /** The server judges it; only what cannot be written down at all is told here. */
  request(): LabRequest | string {
    if (!Number.isFinite(this.splitTime)) return 'Choose the date that parts training from test.';
    if (this.features.length === 0) return 'Choose at least one kind of feature.';
    const { ticker, resolution, model, features, tuning, horizon, folds, refitEvery, strategy, costBps, bars } = this;
    const settings = {
      ...{ ticker, resolution, model, features: [...features], tuning, horizon, folds },
      ...{ refitEvery, strategy, costBps },
      ...{ bars: Math.min(MOST_BARS, bars), split: this.splitTime },
    } as LabSettings;
    return this.seed === null ? { settings } : { settings, seed: this.seed };
  }
}

function dateOf(time: number): string {
  return new Date(time * 1_000).toISOString().slice(0, 10);
}
