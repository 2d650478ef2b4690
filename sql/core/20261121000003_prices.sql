-- migrate:up

-- Three tables, because the vendor's bars are native in three resolutions and each needs its own chunk size and
-- retention. A withdrawn bar keeps its row with null prices: rows are never deleted, so that clients can be told.
CREATE TABLE stock_prices_1m (
  time timestamptz NOT NULL,
  ticker text NOT NULL,
  open double precision,
  high double precision,
  low double precision,
  close double precision,
  close_adj double precision,
  volume double precision,
  source text NOT NULL,
  PRIMARY KEY (ticker, time),
  CONSTRAINT stock_prices_1m_whole_or_withdrawn CHECK (
    (open > 0 AND high >= low AND low > 0 AND close > 0 AND open < 'Infinity' AND high < 'Infinity' AND close < 'Infinity'
      AND open IS NOT NULL AND high IS NOT NULL AND low IS NOT NULL AND close IS NOT NULL)
    OR num_nonnulls(open, high, low, close, close_adj, volume) = 0),
  CONSTRAINT stock_prices_1m_volume CHECK (volume >= 0 AND volume < 'Infinity')
);
CREATE INDEX stock_prices_1m_time ON stock_prices_1m (time DESC);

CREATE TABLE stock_prices_1h (
  time timestamptz NOT NULL,
  ticker text NOT NULL,
  open double precision,
  high double precision,
  low double precision,
  close double precision,
  close_adj double precision,
  volume double precision,
  source text NOT NULL,
  PRIMARY KEY (ticker, time),
  CONSTRAINT stock_prices_1h_whole_or_withdrawn CHECK (
    (open > 0 AND high >= low AND low > 0 AND close > 0 AND open < 'Infinity' AND high < 'Infinity' AND close < 'Infinity'
      AND open IS NOT NULL AND high IS NOT NULL AND low IS NOT NULL AND close IS NOT NULL)
    OR num_nonnulls(open, high, low, close, close_adj, volume) = 0),
  CONSTRAINT stock_prices_1h_volume CHECK (volume >= 0 AND volume < 'Infinity')
);
CREATE INDEX stock_prices_1h_time ON stock_prices_1h (time DESC);

CREATE TABLE stock_prices_1d (
  time timestamptz NOT NULL,
  ticker text NOT NULL,
  open double precision,
  high double precision,
  low double precision,
  close double precision,
  close_adj double precision,
  volume double precision,
  source text NOT NULL,
  PRIMARY KEY (ticker, time),
  CONSTRAINT stock_prices_1d_whole_or_withdrawn CHECK (
    (open > 0 AND high >= low AND low > 0 AND close > 0 AND open < 'Infinity' AND high < 'Infinity' AND close < 'Infinity'
      AND open IS NOT NULL AND high IS NOT NULL AND low IS NOT NULL AND close IS NOT NULL)
    OR num_nonnulls(open, high, low, close, close_adj, volume) = 0),
  CONSTRAINT stock_prices_1d_volume CHECK (volume >= 0 AND volume < 'Infinity')
);
CREATE INDEX stock_prices_1d_time ON stock_prices_1d (time DESC);

COMMENT ON TABLE stock_prices_1m IS 'Bars of one minute, keyed by their start.';
COMMENT ON TABLE stock_prices_1h IS 'Bars of one hour on the session''s own grid (US exchanges: 9:30, 10:30, …), keyed by their start.';
COMMENT ON TABLE stock_prices_1d IS 'Daily bars, keyed by the exchange-local date at 00:00Z.';
DO $$
DECLARE resolution text;
BEGIN
  FOREACH resolution IN ARRAY ARRAY['1m', '1h', '1d'] LOOP
    EXECUTE format('COMMENT ON COLUMN stock_prices_%s.close IS %L', resolution, 'Null in a withdrawn bar, as all its prices.');
    EXECUTE format('COMMENT ON COLUMN stock_prices_%s.close_adj IS %L', resolution, 'Close adjusted for splits and dividends, where the source gives it.');
    EXECUTE format('COMMENT ON COLUMN stock_prices_%s.volume IS %L', resolution, 'Units traded in the bar; null where the source cannot tell.');
    EXECUTE format('COMMENT ON COLUMN stock_prices_%s.source IS %L', resolution, 'Who said so: yahoo (the vendor''s bar), yahoo:live (merged from quotes), simulated, …');
  END LOOP;
END
$$;

-- migrate:down

DROP TABLE stock_prices_1m, stock_prices_1h, stock_prices_1d;
