-- migrate:up

CREATE TABLE stock_forecasts (
  ticker text NOT NULL,
  resolution text NOT NULL CHECK (resolution IN ('1h', '1d')),
  model text NOT NULL,
  made_at timestamptz NOT NULL,
  target_time timestamptz NOT NULL,
  quantiles jsonb NOT NULL CHECK (jsonb_typeof(quantiles) = 'object'),
  shown boolean NOT NULL DEFAULT false,
  source text NOT NULL,
  PRIMARY KEY (ticker, resolution, model, made_at, target_time)
);
CREATE INDEX stock_forecasts_newest ON stock_forecasts (ticker, resolution, made_at DESC);

COMMENT ON TABLE stock_forecasts IS 'Every forecast ever made, never overwritten: what was known at made_at can always be read again.';
COMMENT ON COLUMN stock_forecasts.made_at IS 'Close time of the last bar that the model saw.';
COMMENT ON COLUMN stock_forecasts.target_time IS 'Key (start) of the bar whose close is forecast.';
COMMENT ON COLUMN stock_forecasts.quantiles IS 'Price by level: {"0.05": 401.2, "0.5": 408.9, "0.95": 419.8}.';
COMMENT ON COLUMN stock_forecasts.shown IS 'The model that was chosen to be shown at made_at.';
COMMENT ON COLUMN stock_forecasts.source IS 'Where the prices came from that it was made of.';

CREATE FUNCTION forecasts_made() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  -- 40 entries of at most 120 bytes stay below the 8,000 of a payload.
  PERFORM pg_notify('tapecast_forecasts', json_build_object('forecasts',
    json_agg(json_build_object('ticker', ticker, 'resolution', resolution, 'madeAt', extract(epoch FROM made_at)::bigint)))::text)
  FROM (SELECT ticker, resolution, made_at, (row_number() OVER () - 1) / 40 AS payload
    FROM (SELECT DISTINCT ticker, resolution, made_at FROM made) d) numbered
  GROUP BY payload;
  RETURN NULL;
END
$$;
CREATE TRIGGER inserted AFTER INSERT ON stock_forecasts REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION forecasts_made();

-- migrate:down

DROP TABLE stock_forecasts;
DROP FUNCTION forecasts_made();
