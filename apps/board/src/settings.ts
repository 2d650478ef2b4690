/** The board's settings, by environment variable. */
import { loadConfig } from '@tapecast/runtime/config';
import { queueSettings, serviceSettings } from '@tapecast/runtime/settings';
import { z } from 'zod';
import { isLoopback } from './request-guard.ts';

const flag = z.enum(['true', 'false']).default('false');

const Settings = z
  .object({
    ...queueSettings,
    ...serviceSettings,
    HOST: z.string().default('127.0.0.1'),
    PORT: z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65_535).default(3_010),
    BASE_PATH: z
      .string()
      .regex(/^(\/[A-Za-z0-9._~-]+)*$/, 'must begin with a slash and end without one, such as /queues')
      .default(''),
    /** A proxy in front lets in only those whom it knows. The board itself asks nobody who they are. */
    BOARD_BEHIND_PROXY: flag,
    /** Jobs can be retried, removed and added, and queues paused and emptied. */
    BOARD_WRITE: flag,
  })
  .superRefine(({ HOST, BOARD_BEHIND_PROXY }, context) => {
    if (isLoopback(HOST) || BOARD_BEHIND_PROXY === 'true') return;
    context.addIssue({
      code: 'custom',
      path: ['HOST'],
      message: `is ${HOST}, where others could see every job: leave it at 127.0.0.1, or set BOARD_BEHIND_PROXY=true once a proxy that asks for a login is in front`,
    });
  });

export type Settings = z.output<typeof Settings>;

/** @throws {ConfigError} */
export function loadSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  return loadConfig(Settings, env);
}
