/** The backup service's settings, by environment variable. */
import { backupSettings } from '@tapecast/backup/settings';
import { loadConfig } from '@tapecast/runtime/config';
import { databaseSettings, requireDatabase, serviceSettings } from '@tapecast/runtime/settings';
import { z } from 'zod';

const UNITS: Record<string, number> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

/** `24h`, `30m`, `7d`, in milliseconds. */
const Duration = z
  .string()
  .regex(/^[1-9]\d{0,4}[mhd]$/, 'must be a time such as 30m, 24h or 7d')
  .transform((text) => Number.parseInt(text, 10) * (UNITS[text.slice(-1)] ?? Number.NaN));

/** `03:15`, in milliseconds after midnight UTC. */
const TimeOfDay = z
  .string()
  .regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time of day (UTC) such as 03:15')
  .transform((text) => Date.parse(`1970-01-01T${text}:00Z`));

const Settings = z
  .object({
    ...databaseSettings,
    ...serviceSettings,
    ...backupSettings,
    BACKUP_TARGET: z.string({ error: 'set BACKUP_TARGET to a folder or to s3://bucket/prefix' }),
    BACKUP_EVERY: Duration.default(86_400_000),
    BACKUP_AT: TimeOfDay.default(Date.parse('1970-01-01T03:15:00Z')),
    /** Unset: no drills but those by hand. */
    BACKUP_DRILL_EVERY: Duration.optional(),
    /** The server on which drills are made; unset: the one that is backed up. */
    BACKUP_DRILL_URL: databaseSettings.DATABASE_URL,
  })
  .superRefine(requireDatabase);

export type Settings = z.output<typeof Settings>;

/** @throws {ConfigError} */
export function loadSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  return loadConfig(Settings, env);
}
