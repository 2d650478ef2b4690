/** The tickers that are polled: those of the setting at first start, afterwards those of the table. */
import { Ticker } from '@tapecast/contracts/ticker';
import { type Database } from '@tapecast/db/database';
import { ensureTickers, listTickers, type TickerRow } from '@tapecast/db/tickers';

export interface Watched extends TickerRow {
  ticker: Ticker;
}

export async function loadWatchlist(db: Database, firstTickers: readonly Ticker[]): Promise<Watched[]> {
  if ((await listTickers(db)).length === 0) await ensureTickers(db, firstTickers);
  return readWatchlist(db);
}

export async function readWatchlist(db: Database): Promise<Watched[]> {
  const rows = await listTickers(db, { activeOnly: true });
  return rows.flatMap((row) => {
    const ticker = Ticker.safeParse(row.ticker);
    return ticker.success ? [{ ...row, ticker: ticker.data }] : [];
  });
}
