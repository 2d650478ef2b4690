/** Which series still need a backtest. */
import { type ForecastResolution } from '@tapecast/contracts/resolution';
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';

export interface Untested {
  /** Series that have a backtest, or a part of one. */
  tested: number;
  /** Series that are forecast and have neither a backtest nor any live score. */
  untested: { ticker: string; resolution: ForecastResolution }[];
}

export async function listUntested(db: Database): Promise<Untested> {
  const { rows } = await answering(() =>
    sql<{ ticker: string; resolution: ForecastResolution; tested: boolean }>`
      SELECT t.ticker, r.resolution, backtest.found AS tested
      FROM stock_tickers t CROSS JOIN (VALUES ('1d'), ('1h')) AS r (resolution)
      CROSS JOIN LATERAL (
        SELECT EXISTS (SELECT FROM backtest_forecasts f WHERE f.ticker = t.ticker AND f.resolution = r.resolution) AS found
      ) backtest
      WHERE t.active AND (backtest.found OR (
        EXISTS (SELECT FROM stock_forecasts f WHERE f.ticker = t.ticker AND f.resolution = r.resolution)
        AND NOT EXISTS (
          SELECT FROM forecast_scores s WHERE s.ticker = t.ticker AND s.resolution = r.resolution AND s.kind = 'live')))
      ORDER BY t.added_at, t.ticker, r.resolution`.execute(db.kysely),
  );
  const untested = rows.filter(({ tested }) => !tested);
  return {
    tested: rows.length - untested.length,
    untested: untested.map(({ ticker, resolution }) => ({ ticker, resolution })),
  };
}
