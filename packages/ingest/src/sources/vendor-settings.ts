/** Settings that decide which prices are fetched and how fast: shapes to spread into a program's own schema. */
import { unixSeconds } from '@tapecast/contracts/units';
import { z } from 'zod';

const Origin = z
  .url({ protocol: /^https?$/, error: 'must be an origin, as in http://127.0.0.1:4010' })
  .transform((url) => new URL(url).origin)
  .optional();

const BackfillFrom = z.iso
  .date('must be a date, as in 2010-01-01')
  .transform((date) => unixSeconds(Date.parse(date) / 1_000))
  .optional();

export const vendorSettings = {
  PRICE_SOURCE: z.enum(['auto', 'yahoo', 'simulated'], { error: 'must be auto, yahoo or simulated' }).default('auto'),
  YAHOO_ORIGIN: Origin,
  BACKFILL_FROM: BackfillFrom,
  /** Requests to the vendor, polls and backfill together. */
  VENDOR_REQUESTS_PER_SECOND: z.coerce.number({ error: 'must be a number' }).positive().max(100).default(2),
  VENDOR_BURST: z.coerce.number({ error: 'must be a number' }).int().min(1).max(1_000).default(20),
  /** Another seed is another simulated history. */
  SIMULATION_SEED: z.coerce.number({ error: 'must be a whole number' }).int().default(1),
};

export type VendorSettings = z.output<z.ZodObject<typeof vendorSettings>>;
