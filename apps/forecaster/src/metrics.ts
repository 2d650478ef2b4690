/** What the forecaster counts. */
import { type NewestForecast } from '@tapecast/db/forecasts';
import { type ScoreCounts } from '@tapecast/db/scores-write';
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export interface Metrics {
  planned: Counter<'resolution'>;
  /** `saved`, `known`, `refused`, `retried` (will be tried again) or `failed` (for good). */
  jobs: Counter<'outcome'>;
  seconds: Histogram;
  refusals: Counter<'model' | 'reason'>;
  newest(forecasts: readonly NewestForecast[]): void;
  scoring(counts: ScoreCounts, durationMs: number): void;
}

/** @param oldestWaiting when the job that waits the longest was added, in milliseconds since 1970; null when none waits */
export function createMetrics(
  registry: Registry,
  oldestWaiting: () => Promise<number | null>,
  now: () => number = Date.now,
): Metrics {
  const registers = [registry];
  let forecasts: readonly NewestForecast[] = [];
  new Gauge({
    name: 'tapecast_forecast_age_seconds',
    help: 'Seconds since the newest forecast of any series was made',
    labelNames: ['resolution'],
    registers,
    collect() {
      for (const resolution of ['1h', '1d'] as const) {
        const made = forecasts.filter((each) => each.resolution === resolution).map(({ madeAt }) => madeAt);
        if (made.length > 0) this.set({ resolution }, now() / 1_000 - Math.max(...made));
      }
    },
  });
  new Gauge({
    name: 'tapecast_forecast_queue_age_seconds',
    help: 'How long the forecast job that waits the longest has waited, 0 when none waits; absent while the queue is away',
    registers,
    async collect() {
      try {
        const since = await oldestWaiting();
        this.set(since === null ? 0 : Math.max(0, now() - since) / 1_000);
      } catch {
        this.remove(); // the service says by itself that the queue is away
      }
    },
  });
  const scores = new Counter({
    name: 'tapecast_forecast_scores_total',
    help: 'Forecast points scored, or taken back because their bar was withdrawn, by this process',
    labelNames: ['outcome'],
    registers,
  });
  const scoringSeconds = new Histogram({
    name: 'tapecast_forecast_scoring_seconds',
    help: 'Duration of looks for forecasts to score',
    buckets: [0.01, 0.03, 0.1, 0.3, 1, 3, 10],
    registers,
  });
  return {
    scoring: ({ scored, withdrawn }, durationMs) => {
      scores.inc({ outcome: 'scored' }, scored);
      scores.inc({ outcome: 'withdrawn' }, withdrawn);
      scoringSeconds.observe(durationMs / 1_000);
    },
    planned: new Counter({
      name: 'tapecast_forecast_jobs_planned_total',
      help: 'Jobs handed to the queue, those that it knew already included',
      labelNames: ['resolution'],
      registers,
    }),
    jobs: new Counter({
      name: 'tapecast_forecast_jobs_total',
      help: 'Jobs worked by this process, by outcome',
      labelNames: ['outcome'],
      registers,
    }),
    seconds: new Histogram({
      name: 'tapecast_forecast_job_seconds',
      help: 'Duration of jobs that came to an end',
      buckets: [0.05, 0.1, 0.2, 0.3, 0.5, 1, 2, 5, 10],
      registers,
    }),
    refusals: new Counter({
      name: 'tapecast_forecast_refusals_total',
      help: 'Series that a model could say nothing about, by model and reason',
      labelNames: ['model', 'reason'],
      registers,
    }),
    newest: (newest) => {
      forecasts = newest;
    },
  };
}
