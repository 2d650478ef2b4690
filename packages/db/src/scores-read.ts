/** The scorecard of a series, made of the scores of its newest forecasts. */
import { type ForecastResolution } from '@tapecast/contracts/resolution';
import {
  BACKTEST,
  FEWEST_FORECASTS,
  SIGNIFICANCE,
  type Comparison,
  type HorizonScore,
  type ModelScores,
  type Scorecard,
  type ScoreKind,
  type ScoreRow,
} from '@tapecast/contracts/scores';
import { type Ticker } from '@tapecast/contracts/ticker';
import { type UnixSeconds } from '@tapecast/contracts/units';
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';
import { dieboldMariano, holm } from './scores-significance.ts';

export interface ScorecardKey {
  ticker: string;
  resolution: ForecastResolution;
  kind: ScoreKind;
}

/** Older forecasts are not counted: markets and models change, and an answer should cost the same each year. */
const NEWEST_FORECASTS = 500;
const NAIVE_MODEL = 'last-price';

interface Totals {
  /** Null: what was shown, whichever model it came from. */
  model: string | null;
  /** Null: over all steps. */
  step: number | null;
  simulated: boolean;
  from: UnixSeconds;
  to: UnixSeconds;
  points: number;
  meanAbsoluteError: number;
  naiveAbsoluteError: number | null;
  mase: number | null;
  pinballLoss: number;
  naivePinballLoss: number | null;
  /** Losses where there was a last-price forecast as well, to compare like with like. */
  comparedPinball: number | null;
  comparedError: number | null;
  covered50: number | null;
  covered80: number | null;
  covered90: number | null;
  covered95: number | null;
  /** One for each forecast, rising by its moment: loss of the last price minus its own. */
  pinballGains: (number | null)[];
  errorGains: (number | null)[];
}

/** @throws {DatabaseUnavailableError} */
export async function readScorecard(db: Database, key: ScorecardKey): Promise<Scorecard> {
  const { rows } = await answering(() =>
    sql<Totals>`
      WITH score AS MATERIALIZED (
        SELECT model, step, made_at, shown, source, abs_error, naive_abs_error, pinball_loss, naive_pinball_loss,
          abs_error / mase_scale AS scaled, covered_50::int, covered_80::int, covered_90::int, covered_95::int
        FROM forecast_scores
        WHERE ticker = ${key.ticker} AND resolution = ${key.resolution} AND kind = ${key.kind} AND actual IS NOT NULL
          AND made_at >= coalesce((
            SELECT made_at FROM forecast_scores s
            WHERE s.ticker = ${key.ticker} AND s.resolution = ${key.resolution} AND s.kind = ${key.kind} AND s.model = ${NAIVE_MODEL} AND s.step = 1
            ORDER BY made_at DESC OFFSET ${NEWEST_FORECASTS - 1} LIMIT 1), '-infinity')
      ), told AS (
        SELECT * FROM score UNION ALL SELECT NULL, step, made_at, shown, source, abs_error, naive_abs_error, pinball_loss,
          naive_pinball_loss, scaled, covered_50, covered_80, covered_90, covered_95 FROM score WHERE shown
      ), per_forecast AS (
        SELECT model, step, made_at, bool_or(source = 'simulated') AS simulated, count(*) AS points,
          sum(abs_error) AS error, sum(naive_abs_error) AS naive_error, sum(scaled) AS scaled, count(scaled) AS scaled_points,
          sum(pinball_loss) AS pinball, sum(naive_pinball_loss) AS naive_pinball, count(naive_pinball_loss) AS compared,
          sum(pinball_loss) FILTER (WHERE naive_pinball_loss IS NOT NULL) AS compared_pinball,
          sum(abs_error) FILTER (WHERE naive_pinball_loss IS NOT NULL) AS compared_error,
          sum(covered_50) AS in_50, count(covered_50) AS of_50, sum(covered_80) AS in_80, count(covered_80) AS of_80,
          sum(covered_90) AS in_90, count(covered_90) AS of_90, sum(covered_95) AS in_95, count(covered_95) AS of_95
        FROM told GROUP BY GROUPING SETS ((model, made_at, step), (model, made_at))
      )
      SELECT model, step, bool_or(simulated) AS simulated,
        extract(epoch FROM min(made_at))::bigint AS from, extract(epoch FROM max(made_at))::bigint AS to,
        sum(points)::int AS points,
        sum(error) / sum(points)::float8 AS "meanAbsoluteError", sum(naive_error) / nullif(sum(compared), 0)::float8 AS "naiveAbsoluteError",
        sum(scaled) / nullif(sum(scaled_points), 0)::float8 AS mase,
        sum(pinball) / sum(points)::float8 AS "pinballLoss", sum(naive_pinball) / nullif(sum(compared), 0)::float8 AS "naivePinballLoss",
        sum(compared_pinball) / nullif(sum(compared), 0)::float8 AS "comparedPinball",
        sum(compared_error) / nullif(sum(compared), 0)::float8 AS "comparedError",
        sum(in_50)::float8 / nullif(sum(of_50), 0)::float8 AS "covered50", sum(in_80)::float8 / nullif(sum(of_80), 0)::float8 AS "covered80",
        sum(in_90)::float8 / nullif(sum(of_90), 0)::float8 AS "covered90", sum(in_95)::float8 / nullif(sum(of_95), 0)::float8 AS "covered95",
        array_agg((naive_pinball - compared_pinball) / nullif(compared, 0) ORDER BY made_at) AS "pinballGains",
        array_agg((naive_error - compared_error) / nullif(compared, 0) ORDER BY made_at) AS "errorGains"
      FROM per_forecast GROUP BY model, step ORDER BY model, step`.execute(db.kysely),
  );
  const spacing = key.kind === 'backtest' ? BACKTEST[key.resolution].spacing : 1;
  const byModel = [...Map.groupBy(rows, ({ model }) => model)].map(([model, totals]) => ({
    model,
    scores: modelScores(model ?? 'shown', totals, spacing),
  }));
  const moments = rows.flatMap(({ from, to }) => [from, to]).sort((a, b) => a - b);
  return {
    ticker: key.ticker as Ticker,
    resolution: key.resolution,
    kind: key.kind,
    simulated: rows.some(({ simulated }) => simulated),
    from: moments[0] ?? null,
    to: moments.at(-1) ?? null,
    shown: byModel.find(({ model }) => model === null)?.scores ?? null,
    models: byModel.flatMap(({ model, scores }) => (model === null || scores === null ? [] : [scores])),
  };
}

function modelScores(model: string, totals: Totals[], spacing: number): ModelScores | null {
  const all = totals.find(({ step }) => step === null);
  if (all === undefined) return null;
  const steps = totals.flatMap((row) => (row.step === null ? [] : [{ ...row, step: row.step }]));
  const reach = Math.max(1, ...steps.map(({ step }) => step));
  const horizons = steps.map((row): HorizonScore => ({
    step: row.step,
    ...scoreRow(model, row, Math.ceil(row.step / spacing)),
  }));
  return {
    model,
    overall: scoreRow(model, all, Math.ceil(reach / spacing)),
    horizons: strict(horizons),
  };
}

function scoreRow(model: string, row: Totals, overlap: number): ScoreRow {
  const reference = model === NAIVE_MODEL;
  return {
    n: row.pinballGains.length,
    points: row.points,
    meanAbsoluteError: row.meanAbsoluteError,
    mase: row.mase,
    pinballLoss: row.pinballLoss,
    naivePinballLoss: row.naivePinballLoss,
    coverage: { '50': row.covered50, '80': row.covered80, '90': row.covered90, '95': row.covered95 },
    ...compare(row.comparedPinball, row.naivePinballLoss, row.pinballGains, overlap, reference),
    middle: compare(row.comparedError, row.naiveAbsoluteError, row.errorGains, overlap, reference),
  };
}

function compare(
  own: number | null,
  naive: number | null,
  gains: readonly (number | null)[],
  overlap: number,
  reference: boolean,
): Comparison {
  const skill = own === null || naive === null || naive === 0 ? null : 1 - own / naive;
  if (reference) return { skill, pValue: null, verdict: 'reference' };
  const known = gains.filter((gain) => gain !== null);
  const pValue = dieboldMariano(known, overlap)?.p ?? null;
  if (known.length < FEWEST_FORECASTS || pValue === null || skill === null)
    return { skill, pValue, verdict: 'too-few' };
  return { skill, pValue, verdict: pValue < SIGNIFICANCE ? (skill > 0 ? 'better' : 'worse') : 'same' };
}

/** Takes back what of the verdicts by horizon does not stand once all horizons are looked at. */
function strict(horizons: HorizonScore[]): HorizonScore[] {
  const whole = holm(
    horizons.map(({ pValue }) => pValue),
    SIGNIFICANCE,
  );
  const middles = holm(
    horizons.map(({ middle }) => middle.pValue),
    SIGNIFICANCE,
  );
  const weigh = (comparison: Comparison, stands: boolean | undefined): Comparison['verdict'] =>
    comparison.verdict === 'better' || comparison.verdict === 'worse'
      ? stands === true
        ? comparison.verdict
        : 'same'
      : comparison.verdict;
  return horizons.map((row, index) => ({
    ...row,
    verdict: weigh(row, whole[index]),
    middle: { ...row.middle, verdict: weigh(row.middle, middles[index]) },
  }));
}
