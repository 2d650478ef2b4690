/** The running hour as the source tells it: what was traded before the first quote was heard belongs to it too. */
import { sql } from 'kysely';
import { type Database, inTransaction } from './database.ts';
import { lockSeries, type PriceRow } from './write-bars.ts';

/**
 * Gives the live 1h bar the source's open, widens it, and lets its volume count on from the source's. The close of a
 * bar that quotes have moved stays theirs: they are newer. A closed bar of the source itself is left alone.
 *
 * @param row the source's bar, still forming; its `source` without the mark of a live bar
 * @throws {DatabaseUnavailableError}
 */
export async function seedLiveHour(db: Database, row: PriceRow): Promise<{ changed: number }> {
  return inTransaction(db, async (transaction) => {
    await lockSeries(transaction, [row.ticker], ['1m', '1h', '1d']);
    const result = await sql`
      INSERT INTO stock_prices_1h AS bar (time, ticker, open, high, low, close, close_adj, volume, source)
      VALUES (to_timestamp(${row.time}), ${row.ticker}, ${row.open}, ${row.high}, ${row.low}, ${row.close}, NULL,
        ${row.volume}, ${`${row.source}:live`})
      ON CONFLICT (ticker, time) DO UPDATE SET
        open = excluded.open, high = greatest(bar.high, excluded.high), low = least(bar.low, excluded.low),
        volume = CASE WHEN bar.volume IS NULL THEN NULL ELSE greatest(bar.volume, excluded.volume) END
      WHERE bar.source LIKE '%:live' AND bar.close IS NOT NULL AND (bar.open, bar.high, bar.low, bar.volume)
        IS DISTINCT FROM (excluded.open, greatest(bar.high, excluded.high), least(bar.low, excluded.low),
          CASE WHEN bar.volume IS NULL THEN NULL ELSE greatest(bar.volume, excluded.volume) END)
    `.execute(transaction);
    // Quotes write a live volume as day volume above a mark: the mark moves back to where the hour began.
    await sql`
      UPDATE stock_quotes SET bar_1h_volume_at_start = greatest(0, day_volume - ${row.volume}::float8)
      WHERE ticker = ${row.ticker} AND bar_1h = to_timestamp(${row.time}) AND day_volume IS NOT NULL
        AND bar_1h_volume_at_start > greatest(0, day_volume - ${row.volume}::float8)
    `.execute(transaction);
    return { changed: Number(result.numAffectedRows ?? 0) };
  });
}
