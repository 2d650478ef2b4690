/** Merging quotes into the live bars: one transaction for a poll, each accepted price becomes its bar's close. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { toDate, toUnixSeconds, type UnixSeconds } from '@tapecast/contracts/units';
import { type Kysely, sql } from 'kysely';
import { pricesTable } from './bars.ts';
import { type Database, inTransaction } from './database.ts';
import { markVolume, type VolumeMark, volumeSince } from './live-volume.ts';
import { type Schema } from './schema.ts';
import { lockSeries, type PriceRow } from './write-bars.ts';

export interface QuoteRow {
  ticker: string;
  price: number;
  /** The vendor's time of the price. */
  quoteTime: UnixSeconds;
  /** When the reply came, Unix milliseconds: decides between two prices of the same second. */
  receivedAt: number;
  previousClose: number | null;
  dayOpen: number | null;
  dayHigh: number | null;
  dayLow: number | null;
  dayVolume: number | null;
  marketState: string;
  delaySeconds: number;
  source: string;
  /** Keys of the bars to which this price belongs. */
  bars: Record<NativeResolution, UnixSeconds>;
  /** The vendor's day volume is a rolling 24 hours: no volume of a shorter bar follows from it. */
  volumeIsRolling: boolean;
}

/** `unchanged`: the same news again. `outdated`: older than what is stored. Both leave every row as it was. */
export interface MergeResult {
  accepted: string[];
  unchanged: string[];
  outdated: string[];
}

type StoredQuote = Schema['stock_quotes'];
interface Accepted {
  quote: QuoteRow;
  minute: VolumeMark;
  hour: VolumeMark;
}

/**
 * @param quotes at most one per ticker; several polls are merged one after the other
 * @throws {DatabaseUnavailableError}
 */
export async function mergeQuotes(db: Database, quotes: readonly QuoteRow[]): Promise<MergeResult> {
  const result: MergeResult = { accepted: [], unchanged: [], outdated: [] };
  if (quotes.length === 0) return result;
  const tickers = quotes.map((quote) => quote.ticker);
  return inTransaction(db, async (transaction) => {
    // The locks make this transaction the only writer of these series: what is read now stays true until commit.
    await lockSeries(transaction, tickers, ['1m', '1h', '1d']);
    const stored = await transaction.selectFrom('stock_quotes').selectAll().where('ticker', 'in', tickers).execute();
    const byTicker = new Map(stored.map((row) => [row.ticker, row]));
    const merged: MergeResult = { accepted: [], unchanged: [], outdated: [] };
    const accepted: Accepted[] = [];
    for (const quote of quotes) {
      const held = byTicker.get(quote.ticker);
      const verdict = held === undefined ? 'accepted' : judge(quote, held);
      merged[verdict].push(quote.ticker);
      if (verdict === 'accepted') accepted.push({ quote, ...volumeMarks(quote, held) });
    }
    if (accepted.length > 0) {
      await saveQuotes(transaction, accepted);
      await mergeRows(
        transaction,
        '1m',
        accepted.map(({ quote, minute }) => shortBar(quote, '1m', minute)),
      );
      await mergeRows(
        transaction,
        '1h',
        accepted.map(({ quote, hour }) => shortBar(quote, '1h', hour)),
      );
      await writeDays(
        transaction,
        accepted.map(({ quote }) => dayBar(quote)),
      );
    }
    return merged;
  });
}

function judge(quote: QuoteRow, held: StoredQuote): keyof MergeResult {
  const heldTime = toUnixSeconds(held.quote_time);
  if (quote.quoteTime < heldTime) return 'outdated';
  if (quote.quoteTime > heldTime) return 'accepted';
  const same =
    quote.price === held.price &&
    quote.dayVolume === held.day_volume &&
    quote.marketState === held.market_state &&
    quote.delaySeconds === held.delay_seconds &&
    quote.source === held.source;
  if (same) return 'unchanged';
  return quote.receivedAt > held.received_at.getTime() ? 'accepted' : 'outdated';
}

function volumeMarks(quote: QuoteRow, held: StoredQuote | undefined): { minute: VolumeMark; hour: VolumeMark } {
  const mark = (bar: UnixSeconds, heldBar?: Date, volumeAtStart?: number | null): VolumeMark =>
    markVolume({
      bar,
      day: quote.bars['1d'],
      dayVolume: quote.dayVolume,
      previous:
        held === undefined || heldBar === undefined
          ? null
          : {
              mark: { bar: toUnixSeconds(heldBar), volumeAtStart: volumeAtStart ?? null },
              day: toUnixSeconds(held.bar_1d),
              dayVolume: held.day_volume,
            },
    });
  return {
    minute: mark(quote.bars['1m'], held?.bar_1m, held?.bar_1m_volume_at_start),
    hour: mark(quote.bars['1h'], held?.bar_1h, held?.bar_1h_volume_at_start),
  };
}

function shortBar(quote: QuoteRow, resolution: '1m' | '1h', mark: VolumeMark): PriceRow {
  return {
    time: quote.bars[resolution],
    ticker: quote.ticker,
    open: quote.price,
    high: quote.price,
    low: quote.price,
    close: quote.price,
    closeAdj: null,
    volume: quote.volumeIsRolling ? null : volumeSince(mark, quote.dayVolume),
    source: `${quote.source}:live`,
  };
}

function dayBar(quote: QuoteRow): PriceRow {
  const open = quote.dayOpen ?? quote.price;
  return {
    time: quote.bars['1d'],
    ticker: quote.ticker,
    open,
    high: Math.max(quote.dayHigh ?? quote.price, quote.price, open),
    low: Math.min(quote.dayLow ?? quote.price, quote.price, open),
    close: quote.price,
    closeAdj: null,
    volume: quote.dayVolume,
    source: `${quote.source}:live`,
  };
}

async function saveQuotes(transaction: Kysely<Schema>, accepted: readonly Accepted[]): Promise<void> {
  await transaction
    .insertInto('stock_quotes')
    .values(
      accepted.map(({ quote, minute, hour }) => ({
        ticker: quote.ticker,
        price: quote.price,
        quote_time: toDate(quote.quoteTime),
        received_at: new Date(quote.receivedAt),
        previous_close: quote.previousClose,
        day_volume: quote.dayVolume,
        market_state: quote.marketState,
        delay_seconds: quote.delaySeconds,
        source: quote.source,
        bar_1d: toDate(quote.bars['1d']),
        bar_1m: toDate(quote.bars['1m']),
        bar_1m_volume_at_start: minute.volumeAtStart,
        bar_1h: toDate(quote.bars['1h']),
        bar_1h_volume_at_start: hour.volumeAtStart,
      })),
    )
    .onConflict((conflict) =>
      conflict.column('ticker').doUpdateSet((set) => ({
        price: set.ref('excluded.price'),
        quote_time: set.ref('excluded.quote_time'),
        received_at: set.ref('excluded.received_at'),
        previous_close: set.ref('excluded.previous_close'),
        day_volume: set.ref('excluded.day_volume'),
        market_state: set.ref('excluded.market_state'),
        delay_seconds: set.ref('excluded.delay_seconds'),
        source: set.ref('excluded.source'),
        bar_1d: set.ref('excluded.bar_1d'),
        bar_1m: set.ref('excluded.bar_1m'),
        bar_1m_volume_at_start: set.ref('excluded.bar_1m_volume_at_start'),
        bar_1h: set.ref('excluded.bar_1h'),
        bar_1h_volume_at_start: set.ref('excluded.bar_1h_volume_at_start'),
      })),
    )
    .execute();
}

const incoming = (rows: readonly PriceRow[]) => sql`
  SELECT to_timestamp(time), ticker, open, high, low, close, NULL::float8, volume, source
  FROM unnest(
    ${rows.map((row) => row.time)}::bigint[], ${rows.map((row) => row.ticker)}::text[],
    ${rows.map((row) => row.open)}::float8[], ${rows.map((row) => row.high)}::float8[],
    ${rows.map((row) => row.low)}::float8[], ${rows.map((row) => row.close)}::float8[],
    ${rows.map((row) => row.volume)}::float8[], ${rows.map((row) => row.source)}::text[]
  ) AS incoming (time, ticker, open, high, low, close, volume, source)`;

/** A live merge widens the bar and moves its close; a bar that the vendor itself gave is left alone. */
async function mergeRows(transaction: Kysely<Schema>, resolution: '1m' | '1h', rows: PriceRow[]): Promise<void> {
  await sql`
    INSERT INTO ${pricesTable(resolution)} AS bar (time, ticker, open, high, low, close, close_adj, volume, source)
    ${incoming(rows)}
    ON CONFLICT (ticker, time) DO UPDATE SET
      high = greatest(bar.high, excluded.high), low = least(bar.low, excluded.low),
      close = excluded.close, volume = excluded.volume
    WHERE bar.source LIKE '%:live' AND bar.close IS NOT NULL AND (bar.high, bar.low, bar.close, bar.volume)
      IS DISTINCT FROM
      (greatest(bar.high, excluded.high), least(bar.low, excluded.low), excluded.close, excluded.volume)
  `.execute(transaction);
}

/** The day's values of a quote are absolute: they replace a live day bar. */
async function writeDays(transaction: Kysely<Schema>, rows: PriceRow[]): Promise<void> {
  await sql`
    INSERT INTO stock_prices_1d AS bar (time, ticker, open, high, low, close, close_adj, volume, source)
    ${incoming(rows)}
    ON CONFLICT (ticker, time) DO UPDATE SET
      open = excluded.open, high = excluded.high, low = excluded.low, close = excluded.close, volume = excluded.volume
    WHERE bar.source LIKE '%:live' AND bar.close IS NOT NULL AND (bar.open, bar.high, bar.low, bar.close, bar.volume)
      IS DISTINCT FROM (excluded.open, excluded.high, excluded.low, excluded.close, excluded.volume)
  `.execute(transaction);
}
