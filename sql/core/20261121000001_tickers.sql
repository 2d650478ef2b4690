-- migrate:up

CREATE TABLE stock_tickers (
  ticker text PRIMARY KEY CHECK (ticker ~ '^[A-Z0-9^][A-Z0-9.^=-]{0,23}$'),
  name text,
  industry text,
  exchange text,
  currency text,
  timezone text NOT NULL DEFAULT 'UTC',
  instrument_type text,
  price_decimals smallint NOT NULL DEFAULT 2 CHECK (price_decimals BETWEEN 0 AND 10),
  session_open smallint CHECK (session_open BETWEEN 0 AND 1440),
  session_close smallint CHECK (session_close BETWEEN 0 AND 1440),
  delay_seconds integer NOT NULL DEFAULT 0 CHECK (delay_seconds >= 0),
  active boolean NOT NULL DEFAULT true,
  added_at timestamptz NOT NULL DEFAULT now()
);

COMMENT ON TABLE stock_tickers IS 'What is polled, and what is known of it.';
COMMENT ON COLUMN stock_tickers.ticker IS 'The vendor''s spelling: MSFT, BRK-B, ^GSPC, EURUSD=X, BTC-USD.';
COMMENT ON COLUMN stock_tickers.timezone IS 'IANA zone of the exchange: decides to which date a 1d bar belongs.';
COMMENT ON COLUMN stock_tickers.price_decimals IS 'Decimals with which the price is shown.';
COMMENT ON COLUMN stock_tickers.session_open IS 'Regular session''s start, exchange-local minutes since midnight; null where trading never stops.';
COMMENT ON COLUMN stock_tickers.session_close IS 'Regular session''s end, exchange-local minutes since midnight; null where trading never stops.';
COMMENT ON COLUMN stock_tickers.delay_seconds IS 'The delay that the vendor declares for this exchange.';
COMMENT ON COLUMN stock_tickers.active IS 'False: no longer polled; its history stays.';

CREATE TABLE stock_quotes (
  ticker text PRIMARY KEY REFERENCES stock_tickers,
  price double precision NOT NULL CHECK (price > 0 AND price < 'Infinity'),
  quote_time timestamptz NOT NULL,
  received_at timestamptz NOT NULL,
  previous_close double precision,
  day_volume double precision,
  market_state text NOT NULL,
  delay_seconds integer NOT NULL DEFAULT 0,
  source text NOT NULL,
  bar_1d timestamptz NOT NULL,
  bar_1m timestamptz NOT NULL,
  bar_1m_volume_at_start double precision,
  bar_1h timestamptz NOT NULL,
  bar_1h_volume_at_start double precision
);

COMMENT ON TABLE stock_quotes IS 'The newest quote of each ticker, and the state from which its live bars are merged.';
COMMENT ON COLUMN stock_quotes.quote_time IS 'The vendor''s time of the price (regularMarketTime).';
COMMENT ON COLUMN stock_quotes.received_at IS 'When the reply reached the ingestor; decides between two prices of the same second.';
COMMENT ON COLUMN stock_quotes.bar_1m_volume_at_start IS 'Day volume when the current 1m bar began: a live bar''s volume is the day volume above it.';
COMMENT ON COLUMN stock_quotes.bar_1h_volume_at_start IS 'Day volume when the current 1h bar began.';

CREATE TABLE feed_status (
  source text PRIMARY KEY,
  poll_seconds double precision NOT NULL,
  ok_at timestamptz,
  error text,
  error_at timestamptz
);

COMMENT ON TABLE feed_status IS 'When each source was last heard, and what went wrong since.';
COMMENT ON COLUMN feed_status.error IS 'The newest failure; null once a poll has worked again.';

-- migrate:down

DROP TABLE feed_status, stock_quotes, stock_tickers;
