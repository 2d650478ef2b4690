/** The table of tickers: what is polled and what is known of it. */
import { answering, type Database } from './database.ts';

export interface TickerRow {
  ticker: string;
  name: string | null;
  industry: string | null;
  exchange: string | null;
  currency: string | null;
  /** IANA zone of the exchange. */
  timezone: string;
  instrumentType: string | null;
  priceDecimals: number;
  /** Regular session, exchange-local minutes since midnight; null where trading never stops. */
  sessionOpen: number | null;
  sessionClose: number | null;
  delaySeconds: number;
  active: boolean;
}

const COLUMNS = [
  'ticker',
  'name',
  'industry',
  'exchange',
  'currency',
  'timezone',
  'instrument_type as instrumentType',
  'price_decimals as priceDecimals',
  'session_open as sessionOpen',
  'session_close as sessionClose',
  'delay_seconds as delaySeconds',
  'active',
] as const;

/** Tickers by name. */
export async function listTickers(db: Database, options: { activeOnly?: boolean } = {}): Promise<TickerRow[]> {
  let query = db.kysely.selectFrom('stock_tickers').select(COLUMNS).orderBy('ticker');
  if (options.activeOnly === true) query = query.where('active', '=', true);
  return answering(() => query.execute());
}

/** Adds tickers that are not there yet, as active ones. */
export async function ensureTickers(db: Database, tickers: readonly string[]): Promise<void> {
  if (tickers.length === 0) return;
  const values = [...new Set(tickers)].map((ticker) => ({ ticker }));
  await answering(() =>
    db.kysely
      .insertInto('stock_tickers')
      .values(values)
      .onConflict((conflict) => conflict.doNothing())
      .execute(),
  );
}

/** Notes what a source says of an instrument; fields that are absent stay as they are. */
export async function describeTicker(
  db: Database,
  ticker: string,
  facts: Partial<Omit<TickerRow, 'ticker' | 'active'>>,
): Promise<void> {
  const columns = {
    name: facts.name,
    industry: facts.industry,
    exchange: facts.exchange,
    currency: facts.currency,
    timezone: facts.timezone,
    instrument_type: facts.instrumentType,
    price_decimals: facts.priceDecimals,
    session_open: facts.sessionOpen,
    session_close: facts.sessionClose,
    delay_seconds: facts.delaySeconds,
  };
  const given = Object.fromEntries(Object.entries(columns).filter(([, value]) => value !== undefined));
  if (Object.keys(given).length === 0) return;
  await answering(() => db.kysely.updateTable('stock_tickers').set(given).where('ticker', '=', ticker).execute());
}

/** @returns false when there is no such ticker */
export async function setActive(db: Database, ticker: string, active: boolean): Promise<boolean> {
  const result = await answering(() =>
    db.kysely.updateTable('stock_tickers').set({ active }).where('ticker', '=', ticker).executeTakeFirst(),
  );
  return result.numUpdatedRows > 0n;
}
