/** REST under `/api/v1`: queries, answers, and RFC 9457 problems. */
import { z } from 'zod';
import { Bar } from './bar.ts';
import { ForecastResolution, Resolution } from './resolution.ts';
import { ScoreKind } from './scores.ts';
import { Ticker, TickerSummary } from './ticker.ts';
import { Epoch, Revision, UnixSeconds } from './units.ts';

export const MAX_PAGE_BARS = 10_000;
export const DEFAULT_PAGE_BARS = 1_000;

/** Unix seconds, or an ISO 8601 date or date-time with zone. */
export const TimeParameter = z
  .string()
  .transform((text, context) => {
    if (/^-?\d{1,12}$/.test(text)) return Number(text);
    const isoWithZone = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?$/;
    const milliseconds = isoWithZone.test(text) ? Date.parse(text) : Number.NaN;
    if (Number.isNaN(milliseconds)) {
      context.addIssue({ code: 'custom', message: 'use Unix seconds, 2026-11-21, or 2026-11-21T09:30:00Z' });
      return z.NEVER;
    }
    return Math.floor(milliseconds / 1_000);
  })
  .pipe(UnixSeconds);

export const PricesQuery = z.object({
  resolution: Resolution.default('1h'),
  from: TimeParameter.optional(),
  to: TimeParameter.optional(),
  limit: z.coerce.number().int().min(1).max(MAX_PAGE_BARS).default(DEFAULT_PAGE_BARS),
});
export type PricesQuery = z.infer<typeof PricesQuery>;

export const PricesAnswer = z.object({
  ticker: Ticker,
  resolution: Resolution,
  epoch: Epoch,
  revision: Revision,
  bars: z.array(Bar),
});
export type PricesAnswer = z.infer<typeof PricesAnswer>;

export const ForecastQuery = z.object({
  resolution: ForecastResolution.default('1h'),
  asOf: TimeParameter.optional(),
  model: z.string().max(64).optional(),
  /** `backtest`: of the forecasts that were made later from stored history. */
  kind: ScoreKind.default('live'),
});
export type ForecastQuery = z.infer<typeof ForecastQuery>;

export const TickersAnswer = z.array(TickerSummary);
export type TickersAnswer = z.infer<typeof TickersAnswer>;

/** RFC 9457. `errors` lists every parameter that was wrong, by name. */
export const Problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  detail: z.string(),
  errors: z.array(z.object({ name: z.string(), message: z.string() })).optional(),
});
export type Problem = z.infer<typeof Problem>;

export const Readiness = z.object({ ready: z.boolean(), reasons: z.array(z.string()) });
export type Readiness = z.infer<typeof Readiness>;
