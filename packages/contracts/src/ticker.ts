/** Tickers and their freshness, as REST and sockets tell it. */
import { z } from 'zod';
import { UnixSeconds } from './units.ts';

/** Yahoo's spelling: `MSFT`, `BRK-B`, `^GSPC`, `EURUSD=X`, `GC=F`, `7203.T`. */
export const TICKER_PATTERN = /^[A-Z0-9^][A-Z0-9.^=-]{0,23}$/;

export const Ticker = z.string().regex(TICKER_PATTERN, 'a ticker is 1 to 24 of A-Z, 0-9 and . ^ = -').brand<'Ticker'>();
export type Ticker = z.infer<typeof Ticker>;

/**
 * `live`: prices arrive as they are made. `delayed`: by the vendor's delay. `closed`: the market rests.
 * `stale`: nothing heard although something should have been. `simulated`: no real prices at all.
 */
export const FreshnessState = z.enum(['live', 'delayed', 'closed', 'stale', 'simulated']);
export type FreshnessState = z.infer<typeof FreshnessState>;

export const Freshness = z.object({
  state: FreshnessState,
  /** Source time of the newest price, null while there is none. */
  asOf: UnixSeconds.nullable(),
  /** The vendor's declared delay. */
  delaySeconds: z.number().nonnegative(),
  /** When the market opens next, where that is known and the state is `closed`. */
  opensAt: UnixSeconds.nullable().optional(),
});
export type Freshness = z.infer<typeof Freshness>;

export const TickerSummary = z.object({
  ticker: Ticker,
  name: z.string().nullable(),
  industry: z.string().nullable(),
  exchange: z.string().nullable(),
  currency: z.string().nullable(),
  timezone: z.string(),
  /** Decimals that the instrument's price is shown with. */
  priceDecimals: z.int().min(0).max(10),
  price: z.number().nullable(),
  previousClose: z.number().nullable(),
  /** price − previousClose, and the same in percent of previousClose. */
  change: z.number().nullable(),
  changePercent: z.number().nullable(),
  freshness: Freshness,
});
export type TickerSummary = z.infer<typeof TickerSummary>;
