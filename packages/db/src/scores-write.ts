/**
 * Scoring forecasts against the bars that have closed since. Set-based: a look finds the bars that closed or changed
 * since the last one, by the series' revisions, and compares all forecasts of them at once.
 */
import { type ForecastResolution } from '@tapecast/contracts/resolution';
import { type ScoreKind } from '@tapecast/contracts/scores';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { type Kysely, type RawBuilder, sql } from 'kysely';
import { pricesTable } from './bars.ts';
import { answering, type Database, inTransaction } from './database.ts';
import { type Schema } from './schema.ts';

/** A series and the key of its newest closed bar. */
export interface ClosedSeries {
  ticker: string;
  resolution: ForecastResolution;
  closedUntil: UnixSeconds;
}

export interface ScoreCounts {
  /** Points that got a score, or another one because their bar was corrected. */
  scored: number;
  /** Points that lost their score because their bar was withdrawn. */
  withdrawn: number;
}

/** Series per transaction: a forecast that is being stored waits for no longer than one of these. */
const SERIES_AT_A_TIME = 5;
/** Bars per statement: each may be a target of two hundred points. */
const BARS_AT_A_TIME = 200;
/** The model that every other one is compared with. */
const NAIVE_MODEL = 'last-price';
/** Bars of which the scale of the MASE is made, as many as a forecast reads. */
const SCALE_BARS = 1_000;
/** As the triggers of the price tables fold changes. */
const CHANGE_BUCKET: Record<ForecastResolution, string> = { '1h': '4 days', '1d': '70 days' };
/** A last price that differs by more from the bar that it was has been restated: a split. */
const RESTATED = 1.2;

/**
 * Scores what is due of these series. Running it again, or twice at the same time, changes nothing.
 * @throws {DatabaseUnavailableError}
 */
export async function scoreForecasts(db: Database, series: readonly ClosedSeries[]): Promise<ScoreCounts> {
  const counts: ScoreCounts = { scored: 0, withdrawn: 0 };
  for (const resolution of ['1h', '1d'] as const) {
    const due = await dueSeries(
      db,
      resolution,
      series.filter((each) => each.resolution === resolution),
    );
    for (let start = 0; start < due.length; start += SERIES_AT_A_TIME) {
      const batch = due.slice(start, start + SERIES_AT_A_TIME);
      const done = await inTransaction(db, (transaction) => scoreBatch(transaction, resolution, batch));
      counts.scored += done.scored;
      counts.withdrawn += done.withdrawn;
    }
  }
  return counts;
}

/** Those of which bars have closed or changed, or forecasts were stored late, since they were last scored. */
async function dueSeries(
  db: Database,
  resolution: ForecastResolution,
  series: readonly ClosedSeries[],
): Promise<ClosedSeries[]> {
  if (series.length === 0) return [];
  const { rows } = await answering(() =>
    sql<ClosedSeries>`
      SELECT a.ticker, ${resolution}::text AS resolution, a.closed AS "closedUntil"
      FROM ${asked(series)}
      LEFT JOIN score_progress p ON p.ticker = a.ticker AND p.resolution = ${resolution}
      LEFT JOIN series s ON s.ticker = a.ticker AND s.resolution = ${resolution}
      WHERE p.ticker IS NULL OR p.closed_until < to_timestamp(a.closed) OR p.revision < s.revision
        OR p.epoch IS DISTINCT FROM current_epoch()
        OR EXISTS (SELECT FROM scored_bars b WHERE b.ticker = a.ticker AND b.resolution = ${resolution} AND b.stale)
      ORDER BY a.ticker`.execute(db.kysely),
  );
  return rows;
}

interface Held extends ClosedSeries {
  /** Changes after this revision are to be looked at. */
  after: number;
  /** Bars after this key have closed since. */
  closedBefore: number | null;
  /** The history is not the one that was scored: every scored bar is to be looked at. */
  everything: boolean;
}

async function scoreBatch(
  transaction: Kysely<Schema>,
  resolution: ForecastResolution,
  series: readonly ClosedSeries[],
): Promise<ScoreCounts> {
  await sql`
    INSERT INTO score_progress (ticker, resolution)
    SELECT a.ticker, ${resolution} FROM ${asked(series)} ORDER BY 1 ON CONFLICT DO NOTHING`.execute(transaction);
  // Whoever waited here sees in its next statement what the one before has written.
  await sql`
    SELECT FROM score_progress WHERE resolution = ${resolution} AND ticker = ANY (${series.map(({ ticker }) => ticker)}::text[])
    ORDER BY ticker FOR NO KEY UPDATE`.execute(transaction);
  const { rows: held } = await sql<Held & { head: number; epoch: string }>`
    SELECT a.ticker, p.resolution, greatest(a.closed, extract(epoch FROM nullif(p.closed_until, '-infinity')))::bigint AS "closedUntil",
      extract(epoch FROM nullif(p.closed_until, '-infinity'))::bigint AS "closedBefore",
      CASE WHEN p.epoch = current_epoch() THEN p.revision ELSE -1 END AS after,
      p.epoch IS DISTINCT FROM current_epoch() AS everything,
      coalesce(s.revision, 0) AS head, current_epoch() AS epoch
    FROM ${asked(series)} JOIN score_progress p ON p.ticker = a.ticker AND p.resolution = ${resolution}
    LEFT JOIN series s ON s.ticker = a.ticker AND s.resolution = ${resolution}`.execute(transaction);
  const counts = await scoreDue(transaction, resolution, held);
  await sql`
    UPDATE score_progress p SET epoch = h.epoch, revision = h.head, closed_until = to_timestamp(h.closed)
    FROM unnest(${held.map((each) => each.ticker)}::text[], ${held.map((each) => each.epoch)}::text[],
      ${held.map((each) => each.head)}::bigint[], ${held.map((each) => each.closedUntil)}::bigint[]) AS h (ticker, epoch, head, closed)
    WHERE p.ticker = h.ticker AND p.resolution = ${resolution}`.execute(transaction);
  return counts;
}

/** A bar whose forecasts are due; without a close when it was withdrawn. */
interface DueBar {
  ticker: string;
  time: UnixSeconds;
  close: number | null;
}

async function scoreDue(
  transaction: Kysely<Schema>,
  resolution: ForecastResolution,
  held: readonly Held[],
): Promise<ScoreCounts> {
  const counts: ScoreCounts = { scored: 0, withdrawn: 0 };
  const all = await findDueBars(transaction, resolution, held);
  for (let start = 0; start < all.length; start += BARS_AT_A_TIME) {
    const bars = all.slice(start, start + BARS_AT_A_TIME);
    const moments = await readMoments(transaction, resolution, bars);
    counts.scored += await compare(transaction, resolution, duePoints(bars, moments));
    counts.withdrawn += await withdraw(transaction, resolution, bars);
    await sql`
      INSERT INTO scored_bars (ticker, resolution, target_time, actual)
      SELECT d.ticker, ${resolution}, to_timestamp(d.time), d.close FROM ${due(bars)}
      ON CONFLICT (ticker, resolution, target_time) DO UPDATE SET actual = excluded.actual, stale = false`.execute(
      transaction,
    );
  }
  return counts;
}

/** Closed bars that are new, corrected, withdrawn, or got another forecast since they were scored. */
async function findDueBars(
  transaction: Kysely<Schema>,
  resolution: ForecastResolution,
  held: readonly Held[],
): Promise<DueBar[]> {
  const prices = pricesTable(resolution);
  const { rows } = await sql<DueBar>`
    WITH held AS MATERIALIZED (
      SELECT ticker, after, everything, to_timestamp(closed) AS closed, coalesce(to_timestamp(closed_before), '-infinity') AS closed_before
      FROM unnest(${held.map((each) => each.ticker)}::text[], ${held.map((each) => each.after)}::bigint[],
        ${held.map((each) => each.everything)}::boolean[], ${held.map((each) => each.closedUntil)}::bigint[],
        ${held.map((each) => each.closedBefore)}::bigint[]) AS h (ticker, after, everything, closed, closed_before)
    ), looked AS (
      SELECT h.ticker, h.closed, c.bucket AS from_time, c.bucket + ${CHANGE_BUCKET[resolution]}::interval AS until_time
      FROM held h JOIN series_changes c ON c.ticker = h.ticker AND c.resolution = ${resolution} AND c.revision > h.after
      UNION ALL
      SELECT h.ticker, h.closed, h.closed_before, 'infinity' FROM held h WHERE h.closed_before < h.closed AND NOT h.everything
    ), dirty AS (
      SELECT l.ticker, p.time, p.close
      FROM looked l
      JOIN ${prices} p ON p.ticker = l.ticker AND p.time >= l.from_time AND p.time < l.until_time AND p.time <= l.closed
      LEFT JOIN scored_bars s ON s.ticker = l.ticker AND s.resolution = ${resolution} AND s.target_time = p.time
      WHERE p.close IS DISTINCT FROM s.actual
        AND (s.ticker IS NOT NULL
          OR EXISTS (SELECT FROM stock_forecasts f WHERE f.ticker = l.ticker AND f.resolution = ${resolution} AND f.target_time = p.time)
          OR EXISTS (SELECT FROM backtest_forecasts f WHERE f.ticker = l.ticker AND f.resolution = ${resolution} AND f.target_time = p.time))
      UNION
      SELECT h.ticker, s.target_time, p.close
      FROM held h JOIN scored_bars s ON s.ticker = h.ticker AND s.resolution = ${resolution} AND s.target_time <= h.closed
      LEFT JOIN ${prices} p ON p.ticker = h.ticker AND p.time = s.target_time
      WHERE s.stale OR (h.everything AND p.close IS DISTINCT FROM s.actual)
    )
    SELECT ticker, extract(epoch FROM time)::bigint AS time, close FROM dirty`.execute(transaction);
  return rows;
}

/** A moment at which a series was forecast. */
interface Moment {
  kind: ScoreKind;
  ticker: string;
  madeAt: UnixSeconds;
  /** Close of the last bar that it knew, as it is stored now. */
  lastClose: number | null;
  scale: number | null;
  /** Keys of all bars that were forecast, rising. */
  targets: UnixSeconds[];
}

/** A bar as one moment's target. */
interface DuePoint extends Moment {
  time: UnixSeconds;
  close: number;
  step: number;
}

function duePoints(bars: readonly DueBar[], moments: readonly Moment[]): DuePoint[] {
  const closes = new Map(bars.map(({ ticker, time, close }) => [`${ticker} ${time}`, close]));
  return moments.flatMap((moment) =>
    moment.targets.flatMap((time, index) => {
      const close = closes.get(`${moment.ticker} ${time}`) ?? null;
      return close === null ? [] : [{ ...moment, time, close, step: index + 1 }];
    }),
  );
}

async function readMoments(
  transaction: Kysely<Schema>,
  resolution: ForecastResolution,
  bars: readonly DueBar[],
): Promise<Moment[]> {
  const { rows } = await sql<Moment>`
    WITH moment AS MATERIALIZED (
      SELECT DISTINCT f.kind, f.ticker, f.made_at, t.timezone
      FROM ${due(bars)} JOIN (${forecasts(resolution)}) f ON f.ticker = d.ticker AND f.target_time = to_timestamp(d.time)
      JOIN stock_tickers t ON t.ticker = f.ticker
      WHERE d.close IS NOT NULL
    )
    SELECT m.kind, m.ticker, extract(epoch FROM m.made_at)::bigint AS "madeAt", knew.last_close AS "lastClose",
      nullif(coalesce(before.mase_scale, knew.mase_scale), 0) AS scale, ahead.targets
    FROM moment m
    CROSS JOIN LATERAL (
      SELECT json_agg(DISTINCT extract(epoch FROM f.target_time)::bigint ORDER BY extract(epoch FROM f.target_time)::bigint) AS targets FROM (${forecasts(resolution)}) f
      WHERE f.kind = m.kind AND f.ticker = m.ticker AND f.made_at = m.made_at
    ) ahead
    LEFT JOIN LATERAL (
      SELECT s.mase_scale FROM forecast_scores s
      WHERE s.ticker = m.ticker AND s.resolution = ${resolution} AND s.kind = m.kind AND s.model = ${NAIVE_MODEL} AND s.made_at = m.made_at
      LIMIT 1
    ) before ON true
    CROSS JOIN LATERAL (
      SELECT avg(abs(close - previous)) AS mase_scale, (array_agg(close ORDER BY time DESC))[1] AS last_close
      FROM (
        SELECT time, close, lag(close) OVER (ORDER BY time) AS previous
        FROM (
          SELECT time, close FROM ${pricesTable(resolution)} p
          WHERE p.ticker = m.ticker AND p.close IS NOT NULL AND p.time <= ${knownUntil(resolution)}
          ORDER BY p.time DESC LIMIT CASE WHEN before.mase_scale IS NULL THEN ${SCALE_BARS}::int ELSE 1 END
        ) known
      ) moves
    ) knew`.execute(transaction);
  return rows;
}

/** The points come back as parameters, because the planner then knows how many they are. */
async function compare(
  transaction: Kysely<Schema>,
  resolution: ForecastResolution,
  points: readonly DuePoint[],
): Promise<number> {
  if (points.length === 0) return 0;
  const due = sql`
    unnest(${points.map(({ kind }) => kind)}::text[], ${points.map(({ ticker }) => ticker)}::text[],
      ${points.map(({ madeAt }) => madeAt)}::bigint[], ${points.map(({ time }) => time)}::bigint[],
      ${points.map(({ step }) => step)}::int[], ${points.map(({ close }) => close)}::float8[],
      ${points.map(({ lastClose }) => lastClose)}::float8[], ${points.map(({ scale }) => scale)}::float8[])
    AS d (kind, ticker, made_at, time, step, close, last_close, scale)`;
  const result = await sql`
    INSERT INTO forecast_scores AS s (ticker, resolution, kind, model, made_at, target_time, step, shown, source, actual, abs_error,
      naive_abs_error, pinball_loss, naive_pinball_loss, mase_scale, covered_50, covered_80, covered_90, covered_95)
    SELECT p.ticker, ${resolution}, p.kind, p.model, p.made_at, p.target_time, p.step, p.shown, p.source, p.actual,
      abs(p.actual - p.median), abs(p.actual - p.naive_median), p.pinball, p.naive_pinball, p.scale,
      p.covered_50, p.covered_80, p.covered_90, p.covered_95
    FROM (
      SELECT f.*, d.close AS actual, d.step, d.scale, d.last_close, loss.pinball, (f.quantiles->>'0.5')::float8 AS median,
        max((f.quantiles->>'0.5')::float8) FILTER (WHERE f.model = ${NAIVE_MODEL}) OVER same AS naive_median,
        max(loss.pinball) FILTER (WHERE f.model = ${NAIVE_MODEL}) OVER same AS naive_pinball,
        d.close BETWEEN (f.quantiles->>'0.25')::float8 AND (f.quantiles->>'0.75')::float8 AS covered_50,
        d.close BETWEEN (f.quantiles->>'0.1')::float8 AND (f.quantiles->>'0.9')::float8 AS covered_80,
        d.close BETWEEN (f.quantiles->>'0.05')::float8 AND (f.quantiles->>'0.95')::float8 AS covered_90,
        d.close BETWEEN (f.quantiles->>'0.025')::float8 AND (f.quantiles->>'0.975')::float8 AS covered_95
      FROM ${due} JOIN (${forecasts(resolution)}) f
        ON f.kind = d.kind AND f.ticker = d.ticker AND f.made_at = to_timestamp(d.made_at) AND f.target_time = to_timestamp(d.time)
      CROSS JOIN LATERAL (
        SELECT avg((d.close - value::float8) * (key::float8 - (d.close < value::float8)::int)) AS pinball
        FROM jsonb_each_text(f.quantiles)
      ) loss
      WHERE f.quantiles ? '0.5'
      WINDOW same AS (PARTITION BY f.kind, f.ticker, f.made_at, f.target_time)
    ) p
    -- Prices restated by a split since made_at cannot be compared with; a score from before stands.
    WHERE p.naive_median IS NULL OR p.last_close IS NULL
      OR p.last_close BETWEEN p.naive_median / ${RESTATED}::float8 AND p.naive_median * ${RESTATED}::float8
    ON CONFLICT (ticker, resolution, kind, model, made_at, target_time) DO UPDATE SET
      actual = excluded.actual, abs_error = excluded.abs_error, naive_abs_error = excluded.naive_abs_error,
      pinball_loss = excluded.pinball_loss, naive_pinball_loss = excluded.naive_pinball_loss, covered_50 = excluded.covered_50,
      covered_80 = excluded.covered_80, covered_90 = excluded.covered_90, covered_95 = excluded.covered_95
    WHERE s.actual IS DISTINCT FROM excluded.actual`.execute(transaction);
  return Number(result.numAffectedRows ?? 0);
}

async function withdraw(
  transaction: Kysely<Schema>,
  resolution: ForecastResolution,
  bars: readonly DueBar[],
): Promise<number> {
  const gone = bars.filter(({ close }) => close === null);
  if (gone.length === 0) return 0;
  const result = await sql`
    UPDATE forecast_scores s SET actual = NULL, abs_error = NULL, naive_abs_error = NULL, pinball_loss = NULL,
      naive_pinball_loss = NULL, covered_50 = NULL, covered_80 = NULL, covered_90 = NULL, covered_95 = NULL
    FROM ${due(gone)}
    WHERE s.ticker = d.ticker AND s.resolution = ${resolution} AND s.target_time = to_timestamp(d.time) AND s.actual IS NOT NULL`.execute(
    transaction,
  );
  return Number(result.numAffectedRows ?? 0);
}

function due(bars: readonly DueBar[]): RawBuilder<unknown> {
  return sql`unnest(${bars.map(({ ticker }) => ticker)}::text[], ${bars.map(({ time }) => time)}::bigint[],
    ${bars.map(({ close }) => close)}::float8[]) AS d (ticker, time, close)`;
}

/** All forecasts of a resolution, with their kind. */
function forecasts(resolution: ForecastResolution): RawBuilder<unknown> {
  return sql`
    SELECT 'live' AS kind, f.* FROM stock_forecasts f WHERE f.resolution = ${resolution}
    UNION ALL
    SELECT 'backtest', f.* FROM backtest_forecasts f WHERE f.resolution = ${resolution}`;
}

/** Key up to which bars had closed at m.made_at: a 1d key is the local date, a 1h key lies before its close. */
function knownUntil(resolution: ForecastResolution): RawBuilder<unknown> {
  if (resolution === '1h') return sql`m.made_at - interval '1 second'`;
  return sql`date_trunc('day', (m.made_at - interval '1 second') AT TIME ZONE m.timezone) AT TIME ZONE 'UTC'`;
}

function asked(series: readonly ClosedSeries[]): RawBuilder<unknown> {
  return sql`unnest(${series.map(({ ticker }) => ticker)}::text[], ${series.map(({ closedUntil }) => closedUntil)}::bigint[])
    AS a (ticker, closed)`;
}

export interface NewestKeys {
  ticker: string;
  resolution: ForecastResolution;
  /** Keys of the two newest bars, rising; fewer where there are fewer. */
  keys: UnixSeconds[];
}

/** The newest keys of all series that can have forecasts, those of tickers that are no longer followed included. */
export async function listNewestKeys(db: Database): Promise<NewestKeys[]> {
  const newest = (resolution: ForecastResolution): RawBuilder<unknown> => sql`
    SELECT t.ticker, ${resolution}::text AS resolution, keys
    FROM stock_tickers t CROSS JOIN LATERAL (
      SELECT json_agg(extract(epoch FROM time)::bigint ORDER BY time) AS keys
      FROM (
        SELECT time FROM ${pricesTable(resolution)} p WHERE p.ticker = t.ticker AND close IS NOT NULL ORDER BY time DESC LIMIT 2
      ) two
    ) found WHERE keys IS NOT NULL`;
  const { rows } = await answering(() => sql<NewestKeys>`${newest('1h')} UNION ALL ${newest('1d')}`.execute(db.kysely));
  return rows;
}
