/** Settings that several services read, as shapes to spread into a service's own schema. */
import { z } from 'zod';

const port = z.coerce.number({ error: 'must be a port number' }).int().min(0).max(65_535);

const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'must look like postgres://user:password@host:5432/database');

export const databaseSettings = {
  DATABASE_URL: postgresUrl.optional(),
  DATABASE_LISTEN_URL: postgresUrl.optional(),
  POSTGRES_HOST: z.string().optional(),
  POSTGRES_PORT: port.default(5432),
  POSTGRES_USER: z.string().optional(),
  POSTGRES_PASSWORD: z.string().optional(),
  POSTGRES_DB: z.string().default('tapecast'),
  POSTGRES_SSLROOTCERT: z.string().optional(),
};
type DatabaseSettings = z.infer<z.ZodObject<typeof databaseSettings>>;

/** Refuses a configuration without any database; for use with `.superRefine` after the shape. */
export function requireDatabase(settings: DatabaseSettings, context: z.RefinementCtx): void {
  if (settings.DATABASE_URL !== undefined || settings.POSTGRES_HOST !== undefined) return;
  context.addIssue({
    code: 'custom',
    path: ['DATABASE_URL'],
    message: 'set DATABASE_URL, or POSTGRES_HOST with POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB',
  });
}

/** With POSTGRES_SSLROOTCERT, a path of CAs in PEM, everything is encrypted and the server has to show who it is. */
export function databaseUrl(settings: DatabaseSettings): string {
  if (settings.DATABASE_URL !== undefined) return settings.DATABASE_URL;
  const url = new URL(`postgres://${settings.POSTGRES_HOST ?? 'localhost'}:${settings.POSTGRES_PORT}`);
  url.username = encodeURIComponent(settings.POSTGRES_USER ?? '');
  url.password = encodeURIComponent(settings.POSTGRES_PASSWORD ?? '');
  url.pathname = `/${encodeURIComponent(settings.POSTGRES_DB)}`;
  if (settings.POSTGRES_SSLROOTCERT !== undefined) {
    url.searchParams.set('sslmode', 'verify-full');
    url.searchParams.set('sslrootcert', settings.POSTGRES_SSLROOTCERT);
  }
  return url.href;
}

/** LISTEN needs a session of its own: a transaction pooler in front of the database needs this second URL. */
export function listenUrl(settings: DatabaseSettings): string {
  return settings.DATABASE_LISTEN_URL ?? databaseUrl(settings);
}

export const queueSettings = {
  QUEUE_URL: z.string({ error: 'set QUEUE_URL to redis://… or postgres://…' }).regex(/^(rediss?|postgres(ql)?):\/\//, {
    message: 'must begin with redis://, rediss:// or postgres://',
  }),
};

/** Unset: the source's own pace. */
export const pollSettings = {
  POLL_SECONDS: z.coerce.number({ error: 'must be a number of seconds' }).min(1).max(3_600).optional(),
};

export const serviceSettings = {
  LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('info'),
  METRICS_PORT: port.optional(),
  METRICS_HOST: z.string().default('127.0.0.1'),
};
