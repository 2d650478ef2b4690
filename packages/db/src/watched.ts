/** Which tickers people look at: web replicas tell, the forecaster serves those first. */
import { sql } from 'kysely';
import { answering, type Database } from './database.ts';

/**
 * Notes that these are on somebody's screen now; unknown tickers are left out.
 * @throws {DatabaseUnavailableError}
 */
export async function noteWatched(db: Database, tickers: readonly string[]): Promise<void> {
  if (tickers.length === 0) return;
  // In one order, so that two replicas cannot hold each other up; a row that another one has just renewed is left alone.
  await answering(() =>
    sql`
      INSERT INTO watched_tickers (ticker, watched_at)
      SELECT ticker, now() FROM stock_tickers WHERE ticker = ANY(${[...tickers]}::text[]) ORDER BY ticker
      ON CONFLICT (ticker) DO UPDATE SET watched_at = excluded.watched_at
      WHERE watched_tickers.watched_at < excluded.watched_at - interval '5 seconds'
    `.execute(db.kysely),
  );
}

/**
 * @param withinSeconds how long ago they may have been told of last
 * @throws {DatabaseUnavailableError}
 */
export async function listWatched(db: Database, withinSeconds: number): Promise<Set<string>> {
  const { rows } = await answering(() =>
    sql<{ ticker: string }>`
      SELECT ticker FROM watched_tickers WHERE watched_at > now() - make_interval(secs => ${withinSeconds})
    `.execute(db.kysely),
  );
  return new Set(rows.map(({ ticker }) => ticker));
}
