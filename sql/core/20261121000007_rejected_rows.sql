-- migrate:up

CREATE TABLE rejected_rows (
  ticker text NOT NULL,
  resolution text,
  reason text NOT NULL,
  count bigint NOT NULL DEFAULT 1,
  first_at timestamptz NOT NULL DEFAULT now(),
  last_at timestamptz NOT NULL DEFAULT now(),
  raw jsonb NOT NULL,
  UNIQUE NULLS NOT DISTINCT (ticker, resolution, reason)
);
COMMENT ON TABLE rejected_rows IS 'Rows that were refused, folded per ticker, resolution and reason.';
COMMENT ON COLUMN rejected_rows.resolution IS 'Null for a quote.';
COMMENT ON COLUMN rejected_rows.raw IS 'The newest such row, as the source gave it.';

-- migrate:down

DROP TABLE rejected_rows;
