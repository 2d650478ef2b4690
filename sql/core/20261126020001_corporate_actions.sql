-- migrate:up

-- A vendor restates all prices before a split, and all adjusted closes before a dividend. So the actions are kept, and
-- for each one that is news what has to be restated is kept too, until it has been done.
CREATE TABLE corporate_actions (
  ticker text NOT NULL REFERENCES stock_tickers,
  kind text NOT NULL CHECK (kind IN ('split', 'dividend')),
  ex_date date NOT NULL,
  numerator double precision CHECK (numerator > 0 AND numerator < 'Infinity'),
  denominator double precision CHECK (denominator > 0 AND denominator < 'Infinity'),
  amount double precision CHECK (amount > 0 AND amount < 'Infinity'),
  source text NOT NULL,
  first_seen_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (ticker, kind, ex_date),
  CONSTRAINT corporate_actions_whole CHECK (CASE kind
    WHEN 'split' THEN num_nonnulls(numerator, denominator) = 2 AND amount IS NULL
    ELSE amount IS NOT NULL AND num_nonnulls(numerator, denominator) = 0 END)
);
COMMENT ON TABLE corporate_actions IS 'Splits and dividends, as the source tells them.';
COMMENT ON COLUMN corporate_actions.ex_date IS 'The first trading day, exchange-local, on which a share has changed (split) or no longer earns the payment (dividend).';
COMMENT ON COLUMN corporate_actions.numerator IS 'Of a split: this many new shares for each denominator old ones. 4 and 1 quarter the price.';
COMMENT ON COLUMN corporate_actions.denominator IS 'Of a split: see numerator.';
COMMENT ON COLUMN corporate_actions.amount IS 'Of a dividend: paid for each share of today (the vendor restates it after a split), in the ticker''s currency.';
COMMENT ON COLUMN corporate_actions.source IS 'Who said so: yahoo, simulated, csv, …';
COMMENT ON COLUMN corporate_actions.changed_at IS 'When the source last told something else than before.';

CREATE TABLE restatements (
  ticker text NOT NULL,
  kind text NOT NULL,
  ex_date date NOT NULL,
  resolution text NOT NULL CHECK (resolution IN ('1m', '1h', '1d')),
  due_at timestamptz NOT NULL DEFAULT now(),
  adjusted_at timestamptz,
  adjusted_bars bigint,
  fetched_at timestamptz,
  PRIMARY KEY (ticker, kind, ex_date, resolution),
  FOREIGN KEY (ticker, kind, ex_date) REFERENCES corporate_actions
);
CREATE INDEX restatements_pending ON restatements (ticker, resolution) WHERE fetched_at IS NULL;
COMMENT ON TABLE restatements IS 'What an action that was news changes in the stored history, and how far that has been done. Only bars stored before the action was known need it.';
COMMENT ON COLUMN restatements.adjusted_at IS 'When stored bars from before a split were put on the new footing, in one transaction; null while that is still to be done.';
COMMENT ON COLUMN restatements.adjusted_bars IS 'How many bars that changed; bars that the source had restated already are left alone.';
COMMENT ON COLUMN restatements.fetched_at IS 'When the source''s own restated history had been written; null while that is still to be done.';

GRANT SELECT ON corporate_actions, restatements TO tapecast_ingestor, tapecast_forecaster, tapecast_web;
GRANT INSERT, UPDATE ON corporate_actions, restatements TO tapecast_ingestor;

-- migrate:down

DROP TABLE restatements, corporate_actions;
