-- migrate:up

-- Which tickers people look at, so that the forecaster serves those first. Web replicas write what their clients are
-- subscribed to; nobody deletes: a row that is no longer renewed is out of date by itself, and tickers are few.
CREATE TABLE watched_tickers (
  ticker text PRIMARY KEY,
  watched_at timestamptz NOT NULL
) WITH (fillfactor = 50);
COMMENT ON TABLE watched_tickers IS 'Tickers that somebody had on the screen lately; their forecasts are made first.';
COMMENT ON COLUMN watched_tickers.watched_at IS 'When a client was last subscribed to it, within half a minute.';

GRANT SELECT ON watched_tickers TO tapecast_ingestor, tapecast_forecaster, tapecast_web;
GRANT INSERT, UPDATE ON watched_tickers TO tapecast_web;

-- migrate:down

DROP TABLE watched_tickers;
