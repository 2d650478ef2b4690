-- migrate:up

-- A run of the lab is a row before it is a job: the web inserts it, a forecaster hears of it (or finds it), plans the job, and
-- writes what came of it into the same row.
CREATE TABLE lab_runs (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  ticker text NOT NULL,
  resolution text NOT NULL CHECK (resolution IN ('1h', '1d')),
  settings jsonb NOT NULL CHECK (jsonb_typeof(settings) = 'object' AND pg_column_size(settings) < 8000),
  seed integer NOT NULL CHECK (seed >= 0),
  repeat_of bigint REFERENCES lab_runs (id),
  attempt integer NOT NULL DEFAULT 1,
  state text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'running', 'done', 'failed', 'cancelled')),
  progress double precision NOT NULL DEFAULT 0 CHECK (progress BETWEEN 0 AND 1),
  stage text NOT NULL DEFAULT 'waiting for a forecaster',
  error text CHECK (length(error) <= 2000),
  epoch text,
  revision bigint,
  data_hash text,
  result jsonb,
  result_hash text,
  verdict text CHECK (verdict IN ('better', 'worse', 'same', 'too-few')),
  created_at timestamptz NOT NULL DEFAULT now(),
  started_at timestamptz,
  finished_at timestamptz,
  CONSTRAINT lab_runs_done_has_result CHECK ((state = 'done') = (num_nonnulls(result, result_hash, data_hash, verdict, epoch, revision) = 6))
);
CREATE INDEX lab_runs_series ON lab_runs (ticker, resolution, id DESC);
CREATE INDEX lab_runs_open ON lab_runs (id) WHERE state IN ('waiting', 'running');

COMMENT ON TABLE lab_runs IS 'Runs of the lab: what was asked, how far it is, what came of it. The same settings, seed and bars give the same result.';
COMMENT ON COLUMN lab_runs.id IS 'Part of its link: /lab/<id>.';
COMMENT ON COLUMN lab_runs.settings IS 'Model, features, horizon, split date, folds, strategy, costs; as in POST /api/v1/lab/runs.';
COMMENT ON COLUMN lab_runs.seed IS 'Where all of its random draws begin.';
COMMENT ON COLUMN lab_runs.repeat_of IS 'The run whose settings, seed and last bar this one repeats.';
COMMENT ON COLUMN lab_runs.attempt IS 'Different runs of this series by then, this one included: who tries often finds something by luck, and the verdict counts with it.';
COMMENT ON COLUMN lab_runs.progress IS '0 to 1.';
COMMENT ON COLUMN lab_runs.stage IS 'What it is doing, for people.';
COMMENT ON COLUMN lab_runs.epoch IS 'History of the database when the bars were read; with revision it names their exact state.';
COMMENT ON COLUMN lab_runs.revision IS 'Revision of the series when the bars were read.';
COMMENT ON COLUMN lab_runs.data_hash IS 'SHA-256 of the bars that were used, in hex.';
COMMENT ON COLUMN lab_runs.result IS 'Everything that the page shows: hit rate, confusion matrix, equity, trades, the next prediction.';
COMMENT ON COLUMN lab_runs.result_hash IS 'SHA-256 of the result, in hex: equal for equal results.';
COMMENT ON COLUMN lab_runs.verdict IS 'Against buying and holding, after costs, every try counted: better, worse, same (could be luck) or too-few.';

-- Counts tries where nobody can forget to. A repetition is no new try, nor is a run that never judged anything.
CREATE FUNCTION lab_run_counted() RETURNS trigger
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
CREATE TRIGGER counted BEFORE INSERT ON lab_runs FOR EACH ROW EXECUTE FUNCTION lab_run_counted();

CREATE FUNCTION lab_run_moved() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
  IF TG_OP = 'INSERT' OR (NEW.state, NEW.progress, NEW.stage) IS DISTINCT FROM (OLD.state, OLD.progress, OLD.stage) THEN
    PERFORM pg_notify('tapecast_lab', json_build_object(
      'id', NEW.id, 'state', NEW.state, 'progress', NEW.progress, 'stage', left(NEW.stage, 200), 'error', left(NEW.error, 1000))::text);
  END IF;
  RETURN NULL;
END
$$;
CREATE TRIGGER moved AFTER INSERT OR UPDATE ON lab_runs FOR EACH ROW EXECUTE FUNCTION lab_run_moved();

-- All that the web may change of a run.
CREATE FUNCTION cancel_lab_run(run bigint) RETURNS boolean
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
  WITH cancelled AS (
    UPDATE lab_runs SET state = 'cancelled', stage = 'cancelled', finished_at = now()
    WHERE id = run AND state IN ('waiting', 'running') RETURNING id)
  SELECT EXISTS (SELECT FROM cancelled)
$$;

REVOKE ALL ON FUNCTION lab_run_counted(), lab_run_moved(), cancel_lab_run(bigint) FROM PUBLIC;
GRANT SELECT ON lab_runs TO tapecast_ingestor, tapecast_forecaster, tapecast_web;
GRANT INSERT (ticker, resolution, settings, seed, repeat_of) ON lab_runs TO tapecast_web;
GRANT EXECUTE ON FUNCTION cancel_lab_run(bigint) TO tapecast_web;
GRANT UPDATE (state, progress, stage, error, epoch, revision, data_hash, result, result_hash, verdict, started_at, finished_at)
  ON lab_runs TO tapecast_forecaster;

-- migrate:down

DROP TABLE lab_runs;
DROP FUNCTION lab_run_counted();
DROP FUNCTION lab_run_moved();
DROP FUNCTION cancel_lab_run(bigint);
