/** The forecaster's settings, by environment variable. */
import { availableParallelism } from 'node:os';
import { loadConfig } from '@tapecast/runtime/config';
import { databaseSettings, queueSettings, requireDatabase, serviceSettings } from '@tapecast/runtime/settings';
import { z } from 'zod';

const Settings = z
  .object({
    ...databaseSettings,
    ...queueSettings,
    ...serviceSettings,
    /** Forecasts at a time, each in a thread of its own; by default one for each core. */
    FORECAST_THREADS: z.coerce
      .number({ error: 'must be a whole number' })
      .int()
      .min(1)
      .max(256)
      .default(availableParallelism()),
    /** So many series get a backtest when they are new, so that a scorecard has something to say; 0 for none. */
    FORECAST_BACKTESTS: z.coerce.number({ error: 'must be a whole number' }).int().min(0).max(10_000).default(24),
    /** Days after which an ended run of the lab is forgotten; 0 keeps all. */
    LAB_KEEP_DAYS: z.coerce.number({ error: 'must be a whole number' }).int().min(0).max(36_500).default(90),
  })
  .superRefine(requireDatabase);

export type Settings = z.output<typeof Settings>;

/** @throws {ConfigError} */
export function loadSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  return loadConfig(Settings, env);
}
