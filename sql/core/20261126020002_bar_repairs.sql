-- migrate:up

-- Bars that cannot be right, as evidence: what came, what was made of it, by which rule, and what became of that.
CREATE TABLE bar_repairs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ticker text NOT NULL,
  resolution text NOT NULL CHECK (resolution IN ('1m', '1h', '1d')),
  time timestamptz NOT NULL,
  rule text NOT NULL,
  state text NOT NULL CHECK (state IN ('repaired', 'flagged', 'undone', 'settled', 'superseded')),
  old_open double precision NOT NULL,
  old_high double precision NOT NULL,
  old_low double precision NOT NULL,
  old_close double precision NOT NULL,
  old_close_adj double precision,
  old_volume double precision,
  old_source text NOT NULL,
  new_open double precision,
  new_high double precision,
  new_low double precision,
  new_close double precision,
  new_close_adj double precision,
  new_volume double precision,
  reason text NOT NULL,
  found_at timestamptz NOT NULL DEFAULT now(),
  changed_at timestamptz NOT NULL DEFAULT now(),
  changed_by text NOT NULL DEFAULT 'rule',
  recheck_at timestamptz,
  rechecks integer NOT NULL DEFAULT 0,
  CONSTRAINT bar_repairs_whole CHECK (num_nonnulls(new_open, new_high, new_low, new_close) IN (0, 4)),
  CONSTRAINT bar_repairs_new_row CHECK (state <> 'repaired' OR new_close IS NOT NULL)
);
-- The same bad bar that comes again is the same case, whatever was decided about it.
CREATE UNIQUE INDEX bar_repairs_open ON bar_repairs (ticker, resolution, time) WHERE state <> 'superseded';
CREATE INDEX bar_repairs_recheck ON bar_repairs (recheck_at) WHERE recheck_at IS NOT NULL;
COMMENT ON TABLE bar_repairs IS 'Bars that cannot be right or are doubtful, with the row as it came and the row that was made of it (docs/repair.md).';
COMMENT ON COLUMN bar_repairs.time IS 'Key of the bar.';
COMMENT ON COLUMN bar_repairs.rule IS 'unit, split_missing, split_doubled, spike, jump, duplicate: see docs/repair.md.';
COMMENT ON COLUMN bar_repairs.state IS 'repaired: the new row is stored. flagged: the old row is stored and marked as doubtful. undone: a person has put the old row back, or has accepted it; the rule does not touch it again. settled: later bars showed that it was right. superseded: the source has corrected it since.';
COMMENT ON COLUMN bar_repairs.old_open IS 'The row as it came: old_open to old_source.';
COMMENT ON COLUMN bar_repairs.new_open IS 'What was made of it: new_open to new_volume; null where nothing was.';
COMMENT ON COLUMN bar_repairs.reason IS 'What was wrong, in words.';
COMMENT ON COLUMN bar_repairs.changed_at IS 'When the state last changed.';
COMMENT ON COLUMN bar_repairs.changed_by IS 'rule, source (a correction came), or the login that undid it.';
COMMENT ON COLUMN bar_repairs.recheck_at IS 'When the source is asked for this bar again; null: no more.';

GRANT SELECT ON bar_repairs TO tapecast_ingestor, tapecast_forecaster, tapecast_web;
GRANT INSERT, UPDATE ON bar_repairs TO tapecast_ingestor;

-- migrate:down

DROP TABLE bar_repairs;
