/** The newest quote of each ticker. */
import { toUnixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { answering, type Database } from './database.ts';

export interface QuoteState {
  ticker: string;
  price: number;
  quoteTime: UnixSeconds;
  /** When the poll that brought it was answered, Unix milliseconds. */
  receivedAt: number;
  previousClose: number | null;
  marketState: string;
  delaySeconds: number;
  source: string;
}

export async function listQuotes(db: Database, tickers?: readonly string[]): Promise<QuoteState[]> {
  let query = db.kysely
    .selectFrom('stock_quotes')
    .select([
      'ticker',
      'price',
      'quote_time',
      'received_at',
      'previous_close as previousClose',
      'market_state as marketState',
      'delay_seconds as delaySeconds',
      'source',
    ])
    .orderBy('ticker');
  if (tickers !== undefined) {
    if (tickers.length === 0) return [];
    query = query.where('ticker', 'in', [...tickers]);
  }
  const rows = await answering(() => query.execute());
  return rows.map(({ quote_time, received_at, ...row }) => ({
    ...row,
    quoteTime: toUnixSeconds(quote_time),
    receivedAt: received_at.getTime(),
  }));
}
