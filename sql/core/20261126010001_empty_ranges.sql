-- migrate:up

-- A bar that the vendor was asked for and has not is no gap: it is remembered here, so that nobody asks again.
CREATE TABLE empty_ranges (
  ticker text NOT NULL REFERENCES stock_tickers,
  resolution text NOT NULL CHECK (resolution IN ('1m', '1h', '1d')),
  source text NOT NULL,
  from_time timestamptz NOT NULL,
  to_time timestamptz NOT NULL CHECK (to_time >= from_time),
  confirmed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (ticker, resolution, source, from_time)
);
COMMENT ON TABLE empty_ranges IS 'Bars of sessions that the vendor was asked for and does not have: minutes without a trade, days before a listing. They are not asked for again, except by tapecast backfill --again.';
COMMENT ON COLUMN empty_ranges.source IS 'Who was asked.';
COMMENT ON COLUMN empty_ranges.from_time IS 'Key of the first bar that is missing.';
COMMENT ON COLUMN empty_ranges.to_time IS 'Key of the last one; every bar of a session between the two was missing when it was asked for.';
COMMENT ON COLUMN empty_ranges.confirmed_at IS 'When the vendor was asked last.';

GRANT SELECT ON empty_ranges TO tapecast_ingestor, tapecast_forecaster, tapecast_web;
GRANT INSERT, UPDATE ON empty_ranges TO tapecast_ingestor;

-- migrate:down

DROP TABLE empty_ranges;
