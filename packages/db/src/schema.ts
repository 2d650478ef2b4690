/** The tables as kysely sees them; sql/core is where they are made. Times are read and written as `Date`. */
import { type Generated } from 'kysely';

export interface PricesTable {
  time: Date;
  ticker: string;
  open: number | null;
  high: number | null;
  low: number | null;
  close: number | null;
  close_adj: number | null;
  volume: number | null;
  source: string;
}

interface TickersTable {
  ticker: string;
  name: string | null;
  industry: string | null;
  exchange: string | null;
  currency: string | null;
  timezone: Generated<string>;
  instrument_type: string | null;
  price_decimals: Generated<number>;
  session_open: number | null;
  session_close: number | null;
  delay_seconds: Generated<number>;
  active: Generated<boolean>;
}

interface QuotesTable {
  ticker: string;
  price: number;
  quote_time: Date;
  received_at: Date;
  previous_close: number | null;
  day_volume: number | null;
  market_state: string;
  delay_seconds: number;
  source: string;
  bar_1d: Date;
  bar_1m: Date;
  bar_1m_volume_at_start: number | null;
  bar_1h: Date;
  bar_1h_volume_at_start: number | null;
}

interface FeedTable {
  source: string;
  poll_seconds: number;
  ok_at: Generated<Date | null>;
  error: Generated<string | null>;
  error_at: Generated<Date | null>;
}

interface ForecastsTable {
  ticker: string;
  resolution: string;
  model: string;
  made_at: Date;
  target_time: Date;
  quantiles: Record<string, number>;
  shown: boolean;
  source: string;
}

interface RejectedRowsTable {
  ticker: string;
  resolution: string | null;
  reason: string;
  count: Generated<number>;
  first_at: Generated<Date>;
  last_at: Generated<Date>;
  raw: unknown;
}

interface SeriesTable {
  ticker: string;
  resolution: string;
  revision: number;
}

export interface Schema {
  stock_tickers: TickersTable;
  stock_quotes: QuotesTable;
  feed_status: FeedTable;
  stock_prices_1m: PricesTable;
  stock_prices_1h: PricesTable;
  stock_prices_1d: PricesTable;
  stock_forecasts: ForecastsTable;
  rejected_rows: RejectedRowsTable;
  series: SeriesTable;
}
