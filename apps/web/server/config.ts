/** What the web service reads from the environment. */
import { databaseSettings, requireDatabase, serviceSettings } from '@tapecast/runtime/settings';
import { z } from 'zod';

const shape = z.object({
  ...databaseSettings,
  ...serviceSettings,
  HOST: z.string().default('127.0.0.1'),
  PORT: z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65_535).default(3_000),
  FLUSH_INTERVAL_MS: z.coerce.number({ error: 'must be milliseconds' }).min(1).max(1_000).default(100),
  MAX_SERIES_PER_SOCKET: z.coerce.number({ error: 'must be a number' }).int().min(1).max(100_000).default(2_000),
});

export type WebConfig = z.output<typeof shape>;
export const webConfig = shape.superRefine(requireDatabase);
