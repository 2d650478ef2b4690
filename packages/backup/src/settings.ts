/** Settings of backups, as shapes to spread into the schema of whoever makes them. */
import { z } from 'zod';

export const s3Settings = {
  /** Any S3-compatible storage; unset: Amazon's, of the region. */
  S3_ENDPOINT: z.url({ protocol: /^https?$/, error: 'must be an origin, as in https://s3.example.com' }).optional(),
  S3_REGION: z.string().default('us-east-1'),
  S3_ACCESS_KEY_ID: z.string().optional(),
  S3_SECRET_ACCESS_KEY: z.string().optional(),
  S3_SESSION_TOKEN: z.string().optional(),
};
export type S3Settings = z.output<z.ZodObject<typeof s3Settings>>;

const PERIODS = ['last', 'hourly', 'daily', 'weekly', 'monthly', 'yearly'] as const;
export type Period = (typeof PERIODS)[number];
/** How many to keep, by period. */
export type Keep = Partial<Record<Period, number>>;

export const DEFAULT_KEEP = 'daily:7,weekly:4,monthly:6';

/** `daily:7,weekly:4,monthly:6` */
export const KeepRule = z.string().transform((text, context): Keep => {
  const keep: Keep = {};
  for (const part of text.split(',')) {
    const [name = '', number = ''] = part.trim().split(':');
    const period = PERIODS.find((known) => known === name);
    if (period === undefined || !/^\d{1,5}$/.test(number)) {
      context.addIssue({
        code: 'custom',
        message: `must look like ${DEFAULT_KEEP} (periods: ${PERIODS.join(', ')}), not "${text.slice(0, 60)}"`,
      });
      return z.NEVER;
    }
    keep[period] = Number(number);
  }
  return keep;
});

export const backupSettings = {
  ...s3Settings,
  /** A folder, or s3://bucket/prefix. */
  BACKUP_TARGET: z.string().optional(),
  BACKUP_KEEP: z.string().default(DEFAULT_KEEP).pipe(KeepRule),
};
