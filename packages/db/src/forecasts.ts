/** Forecasts: written once, never changed, read as they were known at any time. */
import { type Forecast } from '@tapecast/contracts/forecast';
import { type ForecastResolution } from '@tapecast/contracts/resolution';
import { type ScoreKind } from '@tapecast/contracts/scores';
import { type Ticker } from '@tapecast/contracts/ticker';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';

export interface ForecastSet {
  ticker: string;
  resolution: ForecastResolution;
  /** Close time of the last bar that the models saw. */
  madeAt: UnixSeconds;
  source: string;
  /** Quantile levels in (0, 1), rising; `values` of each point has one price per level. */
  levels: readonly number[];
  models: { model: string; shown: boolean; points: { targetTime: UnixSeconds; values: readonly number[] }[] }[];
}

/** A repeated job writes nothing: what was forecast at `madeAt` stands. */
export async function saveForecasts(db: Database, set: ForecastSet): Promise<{ inserted: number }> {
  return save(db, 'stock_forecasts', set);
}

/** The same for forecasts of the past, made from stored history now: they stay apart from those that were really made. */
export async function saveBacktest(db: Database, set: ForecastSet): Promise<{ inserted: number }> {
  return save(db, 'backtest_forecasts', set);
}

type ForecastsTable = 'stock_forecasts' | 'backtest_forecasts';

async function save(db: Database, table: ForecastsTable, set: ForecastSet): Promise<{ inserted: number }> {
  const rows = set.models.flatMap((model) =>
    model.points.map((point) => ({
      model: model.model,
      shown: model.shown,
      target: point.targetTime,
      quantiles: JSON.stringify(
        Object.fromEntries(set.levels.map((level, index) => [String(level), point.values[index]])),
      ),
    })),
  );
  if (rows.length === 0) return { inserted: 0 };
  // A set is whole or absent: another model of the same moment must not slip in beside the one that was shown.
  const result = await answering(() =>
    sql`
      INSERT INTO ${sql.table(table)} (ticker, resolution, made_at, source, model, shown, target_time, quantiles)
      SELECT ${set.ticker}, ${set.resolution}, to_timestamp(${set.madeAt}), ${set.source}, model, shown, to_timestamp(target), quantiles
      FROM unnest(
        ${rows.map((row) => row.model)}::text[], ${rows.map((row) => row.shown)}::boolean[],
        ${rows.map((row) => row.target)}::bigint[], ${rows.map((row) => row.quantiles)}::jsonb[]
      ) AS incoming (model, shown, target, quantiles)
      WHERE NOT EXISTS (
        SELECT FROM ${sql.table(table)} f
        WHERE f.ticker = ${set.ticker} AND f.resolution = ${set.resolution} AND f.made_at = to_timestamp(${set.madeAt}))
      ON CONFLICT DO NOTHING
    `.execute(db.kysely),
  );
  return { inserted: Number(result.numAffectedRows ?? 0) };
}

interface ForecastRow {
  model: string;
  madeAt: UnixSeconds;
  source: string;
  points: { time: UnixSeconds; quantiles: Record<string, number> }[];
}

/**
 * The newest forecast, or the newest that was known at `asOf`; the shown model's unless another is named.
 * @param query.kind `backtest`: of those that were made later instead
 * @returns null when there is none
 */
export async function readForecast(
  db: Database,
  query: {
    ticker: string;
    resolution: ForecastResolution;
    asOf?: UnixSeconds | undefined;
    model?: string | undefined;
    kind?: ScoreKind | undefined;
  },
): Promise<Forecast | null> {
  const asOf = query.asOf ?? null;
  const model = query.model ?? null;
  const table = sql.table(query.kind === 'backtest' ? 'backtest_forecasts' : 'stock_forecasts');
  const { rows } = await answering(() =>
    sql<ForecastRow>`
      WITH newest AS (
        SELECT model, made_at FROM ${table}
        WHERE ticker = ${query.ticker} AND resolution = ${query.resolution}
          AND (${asOf}::bigint IS NULL OR made_at <= to_timestamp(${asOf}))
          AND CASE WHEN ${model}::text IS NULL THEN shown ELSE model = ${model} END
        ORDER BY made_at DESC LIMIT 1
      )
      SELECT f.model, extract(epoch FROM f.made_at)::bigint AS "madeAt", f.source,
        json_agg(json_build_object('time', extract(epoch FROM f.target_time)::bigint, 'quantiles', f.quantiles) ORDER BY f.target_time) AS points
      FROM ${table} f JOIN newest USING (model, made_at)
      WHERE f.ticker = ${query.ticker} AND f.resolution = ${query.resolution}
      GROUP BY f.model, f.made_at, f.source
    `.execute(db.kysely),
  );
  const [row] = rows;
  if (row === undefined) return null;
  const levels = Object.keys(row.points[0]?.quantiles ?? {})
    .map(Number)
    .sort((a, b) => a - b);
  return {
    ticker: query.ticker as Ticker,
    resolution: query.resolution,
    model: row.model,
    madeAt: row.madeAt,
    source: row.source,
    quantiles: levels,
    points: row.points.map(({ time, quantiles }) => [
      time,
      ...levels.map((level) => quantiles[String(level)] ?? Number.NaN),
    ]),
  };
}

export interface NewestForecast {
  ticker: string;
  resolution: ForecastResolution;
  madeAt: UnixSeconds;
}

/** When each series was last forecast. */
export async function listNewestForecasts(db: Database): Promise<NewestForecast[]> {
  const { rows } = await answering(() =>
    sql<NewestForecast>`
      SELECT t.ticker, r.resolution, extract(epoch FROM newest.made_at)::bigint AS "madeAt"
      FROM stock_tickers t CROSS JOIN (VALUES ('1h'), ('1d')) AS r (resolution)
      CROSS JOIN LATERAL (
        SELECT made_at FROM stock_forecasts f WHERE f.ticker = t.ticker AND f.resolution = r.resolution
        ORDER BY made_at DESC LIMIT 1
      ) newest`.execute(db.kysely),
  );
  return rows;
}
