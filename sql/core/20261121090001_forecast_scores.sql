-- migrate:up

-- Forecasts made after the fact, from stored history, as they would have been made then. Never among those that were
-- really made: whoever reads stock_forecasts must find only what was known at the time.
CREATE TABLE backtest_forecasts (
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
CREATE INDEX backtest_forecasts_newest ON backtest_forecasts (ticker, resolution, made_at DESC);
CREATE INDEX backtest_forecasts_target ON backtest_forecasts (ticker, resolution, target_time);
CREATE INDEX stock_forecasts_target ON stock_forecasts (ticker, resolution, target_time);

COMMENT ON TABLE backtest_forecasts IS 'Forecasts made later from stored history, each from the bars up to made_at only. Columns as in stock_forecasts; kept apart, because nobody saw them at the time.';

CREATE TABLE forecast_scores (
  ticker text NOT NULL,
  resolution text NOT NULL CHECK (resolution IN ('1h', '1d')),
  kind text NOT NULL CHECK (kind IN ('live', 'backtest')),
  model text NOT NULL,
  made_at timestamptz NOT NULL,
  target_time timestamptz NOT NULL,
  step smallint NOT NULL CHECK (step >= 1),
  shown boolean NOT NULL,
  source text NOT NULL,
  actual double precision,
  abs_error double precision,
  naive_abs_error double precision,
  pinball_loss double precision,
  naive_pinball_loss double precision,
  mase_scale double precision,
  covered_50 boolean,
  covered_80 boolean,
  covered_90 boolean,
  covered_95 boolean,
  PRIMARY KEY (ticker, resolution, kind, model, made_at, target_time),
  CONSTRAINT forecast_scores_whole_or_withdrawn CHECK (
    num_nonnulls(actual, abs_error, pinball_loss) = 3
    OR num_nonnulls(actual, abs_error, naive_abs_error, pinball_loss, naive_pinball_loss, covered_50, covered_80, covered_90, covered_95) = 0)
);
CREATE INDEX forecast_scores_target ON forecast_scores (ticker, resolution, target_time);

COMMENT ON TABLE forecast_scores IS 'How far each forecast was off once its target''s bar had closed, every model, shown or not. A corrected bar is scored anew; a withdrawn one leaves nulls.';
COMMENT ON COLUMN forecast_scores.kind IS 'live: of stock_forecasts, made at the time. backtest: of backtest_forecasts, made later from stored history.';
COMMENT ON COLUMN forecast_scores.step IS 'The target''s place in its forecast: 1 is the first bar ahead.';
COMMENT ON COLUMN forecast_scores.shown IS 'The model that was on the page at made_at.';
COMMENT ON COLUMN forecast_scores.source IS 'Where the forecast''s prices came from; scores of simulated prices say simulated.';
COMMENT ON COLUMN forecast_scores.actual IS 'The close that it was compared with; null when that bar was withdrawn, as all its scores.';
COMMENT ON COLUMN forecast_scores.abs_error IS 'Distance of the median from the close, in the ticker''s currency.';
COMMENT ON COLUMN forecast_scores.naive_abs_error IS 'The same for the last-price forecast of the same moment; null where there was none.';
COMMENT ON COLUMN forecast_scores.pinball_loss IS 'Mean quantile loss over all levels of the forecast, in the ticker''s currency. Less is better.';
COMMENT ON COLUMN forecast_scores.naive_pinball_loss IS 'The same for the last-price forecast of the same moment.';
COMMENT ON COLUMN forecast_scores.mase_scale IS 'Mean absolute change from bar to bar in the newest 1,000 bars known at made_at; abs_error divided by it, averaged, is the MASE.';
COMMENT ON COLUMN forecast_scores.covered_90 IS 'The close lay within the band from the 5 % to the 95 % quantile; the other bands likewise.';

-- What has been scored, so that a look finds only what is new or different.
CREATE TABLE score_progress (
  ticker text NOT NULL,
  resolution text NOT NULL,
  epoch text,
  revision bigint NOT NULL DEFAULT -1,
  closed_until timestamptz NOT NULL DEFAULT '-infinity',
  PRIMARY KEY (ticker, resolution)
) WITH (fillfactor = 50);
COMMENT ON TABLE score_progress IS 'How far each series has been scored. Its row lock keeps scorers and late forecasts of a series in order.';
COMMENT ON COLUMN score_progress.revision IS 'Changes of bars up to this revision have been looked at.';
COMMENT ON COLUMN score_progress.closed_until IS 'Key of the newest bar that was taken for closed.';

CREATE TABLE scored_bars (
  ticker text NOT NULL,
  resolution text NOT NULL,
  target_time timestamptz NOT NULL,
  actual double precision,
  stale boolean NOT NULL DEFAULT false,
  PRIMARY KEY (ticker, resolution, target_time)
);
CREATE INDEX scored_bars_stale ON scored_bars (ticker, resolution, target_time) WHERE stale;
COMMENT ON TABLE scored_bars IS 'Closed bars that forecasts were compared with.';
COMMENT ON COLUMN scored_bars.actual IS 'The close that was compared; when the bar''s own differs, it was corrected since.';
COMMENT ON COLUMN scored_bars.stale IS 'A forecast of this bar was stored after it had been scored.';

-- A forecast may be stored after its first targets have closed (the queue was away, or it is a backtest). The lock
-- decides between it and a scorer at work: whichever comes second sees what the first one wrote.
CREATE FUNCTION forecasts_due() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  INSERT INTO score_progress (ticker, resolution)
  SELECT DISTINCT ticker, resolution FROM made ORDER BY 1, 2 ON CONFLICT DO NOTHING;
  PERFORM FROM score_progress p
  WHERE (p.ticker, p.resolution) IN (SELECT ticker, resolution FROM made) ORDER BY p.ticker, p.resolution FOR SHARE;
  INSERT INTO scored_bars AS s (ticker, resolution, target_time, stale)
  SELECT DISTINCT m.ticker, m.resolution, m.target_time, true
  FROM made m JOIN score_progress p USING (ticker, resolution)
  WHERE m.target_time <= p.closed_until
  ORDER BY 1, 2, 3
  ON CONFLICT (ticker, resolution, target_time) DO UPDATE SET stale = true WHERE NOT s.stale;
  RETURN NULL;
END
$$;
CREATE TRIGGER due AFTER INSERT ON stock_forecasts REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION forecasts_due();
CREATE TRIGGER due AFTER INSERT ON backtest_forecasts REFERENCING NEW TABLE AS made
  FOR EACH STATEMENT EXECUTE FUNCTION forecasts_due();

REVOKE ALL ON FUNCTION forecasts_due() FROM PUBLIC;
GRANT SELECT ON backtest_forecasts, forecast_scores, score_progress, scored_bars
  TO tapecast_ingestor, tapecast_forecaster, tapecast_web;
GRANT INSERT ON backtest_forecasts TO tapecast_forecaster;
GRANT INSERT, UPDATE ON forecast_scores, score_progress, scored_bars TO tapecast_forecaster;

-- migrate:down

DROP TRIGGER due ON stock_forecasts;
DROP TABLE backtest_forecasts, forecast_scores, score_progress, scored_bars;
DROP FUNCTION forecasts_due();
DROP INDEX stock_forecasts_target;
