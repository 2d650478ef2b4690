/** What a price source is. Every source passes the suite in conformance.ts. */
import type { CorporateAction } from '@tapecast/contracts/actions';
import type { NativeResolution } from '@tapecast/contracts/resolution';
import type { Ticker } from '@tapecast/contracts/ticker';
import type { UnixSeconds } from '@tapecast/contracts/units';

export type SourceName = 'yahoo' | 'simulated';

/** What a source knows of an instrument. */
export interface Instrument {
  ticker: Ticker;
  name: string | null;
  /** The vendor's exchange code: `NMS`, `NYQ`, `CCC`, … */
  exchange: string | null;
  currency: string | null;
  /** IANA name, `America/New_York`. */
  timezone: string;
  /** The vendor's type: `EQUITY`, `CRYPTOCURRENCY`, … */
  instrumentType: string | null;
  priceDecimals: number;
  /** Exchange-local minutes since midnight; both null around the clock. */
  sessionOpen: number | null;
  sessionClose: number | null;
}

/** One vendor reply about one ticker, unjudged: validate.ts decides what of it may be kept. */
export interface Quote {
  instrument: Instrument;
  price: number | null;
  /** When the price was made, by the vendor. */
  time: UnixSeconds | null;
  previousClose: number | null;
  dayOpen: number | null;
  dayHigh: number | null;
  dayLow: number | null;
  dayVolume: number | null;
  /** `REGULAR` while the session runs; `PRE`, `POST`, `CLOSED`, … otherwise. */
  marketState: string;
  delaySeconds: number;
}

/** A row that is refused: goes to `rejected_rows`, folded by ticker and reason. */
export interface Rejection {
  ticker: Ticker;
  /** null for a quote. */
  resolution: NativeResolution | null;
  reason: RejectionReason;
  raw: unknown;
}

export type RejectionReason =
  | 'malformed'
  | 'unknown_symbol'
  | 'null_price'
  | 'not_a_number'
  | 'not_positive'
  | 'high_below_low'
  | 'negative_volume'
  | 'missing_time'
  | 'in_the_future'
  | 'older_than_last'
  | 'other_unit'
  | 'repeated_row';

export interface QuoteReply {
  quotes: Quote[];
  /** Tickers for which the vendor gave nothing that can be read. */
  rejected: Rejection[];
}

/** A bar as the vendor gave it: its own time, nulls and all. */
export interface SourceBar {
  time: number;
  open: number | null;
  high: number | null;
  low: number | null;
  close: number | null;
  closeAdj: number | null;
  volume: number | null;
}

export interface BarsPage {
  instrument: Instrument;
  /** Rising in time. The last may still be forming. */
  bars: SourceBar[];
  /** Splits and dividends with an ex-date in the page's range. */
  actions: CorporateAction[];
}

export interface BarsQuery {
  ticker: Ticker;
  resolution: NativeResolution;
  /** Inclusive. Sources clip it to what the vendor permits. */
  from: UnixSeconds;
  /** Exclusive. */
  to: UnixSeconds;
  /** Order of the pages; the bars within a page always rise. */
  order: 'newest-first' | 'oldest-first';
}

export interface PriceSource {
  readonly name: SourceName;
  /** @throws {VendorError} when the vendor as a whole gave no answer; a single bad symbol is a rejection */
  quotes(tickers: readonly Ticker[], signal: AbortSignal): Promise<QuoteReply>;
  /** The oldest time for which bars can be asked now; null: no bar is too old. */
  earliest(resolution: NativeResolution): UnixSeconds | null;
  /** @throws {VendorError} */
  bars(query: BarsQuery, signal: AbortSignal): AsyncIterable<BarsPage>;
}
