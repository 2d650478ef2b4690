-- migrate:up

-- Runs of the lab are kept for a time. Tries have to be counted for ever, or waiting would make them forgotten: each run's number
-- follows from the one before it, and the newest of each series stays.
CREATE OR REPLACE FUNCTION lab_run_counted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.repeat_of IS NOT NULL THEN
    SELECT attempt INTO NEW.attempt FROM lab_runs WHERE id = NEW.repeat_of;
  ELSE
    SELECT 1 + coalesce(max(r.attempt), 0) INTO NEW.attempt FROM lab_runs r
    WHERE r.ticker = NEW.ticker AND r.resolution = NEW.resolution AND r.repeat_of IS NULL
      AND r.state NOT IN ('failed', 'cancelled');
  END IF;
  RETURN NEW;
END
$$;

-- A run that another one repeats stays until that is gone.
CREATE FUNCTION prune_lab_runs(keep interval) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH pruned AS (
    DELETE FROM lab_runs r
    WHERE r.finished_at < now() - keep
      AND NOT EXISTS (SELECT FROM lab_runs again WHERE again.repeat_of = r.id)
      AND (r.repeat_of IS NOT NULL OR r.state IN ('failed', 'cancelled') OR EXISTS (
        SELECT FROM lab_runs later
        WHERE later.ticker = r.ticker AND later.resolution = r.resolution AND later.id > r.id
          AND later.repeat_of IS NULL AND later.state = 'done'))
    RETURNING r.id)
  SELECT count(*) FROM pruned
$$;
CREATE INDEX lab_runs_repeats ON lab_runs (repeat_of) WHERE repeat_of IS NOT NULL;

REVOKE ALL ON FUNCTION prune_lab_runs(interval) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION prune_lab_runs(interval) TO tapecast_forecaster;

-- migrate:down

DROP INDEX lab_runs_repeats;
DROP FUNCTION prune_lab_runs(interval);
CREATE OR REPLACE FUNCTION lab_run_counted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF NEW.repeat_of IS NOT NULL THEN
    SELECT attempt INTO NEW.attempt FROM lab_runs WHERE id = NEW.repeat_of;
  ELSE
    SELECT 1 + count(*) INTO NEW.attempt FROM lab_runs r
    WHERE r.ticker = NEW.ticker AND r.resolution = NEW.resolution AND r.repeat_of IS NULL
      AND r.state NOT IN ('failed', 'cancelled');
  END IF;
  RETURN NEW;
END
$$;
