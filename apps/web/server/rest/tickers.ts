/** `GET /api/v1/tickers`: all active tickers with price, change and freshness. */
import type { TickersAnswer } from '@tapecast/contracts/rest';
import type { Ticker } from '@tapecast/contracts/ticker';
import { readSeries } from '@tapecast/db/bars';
import type { Database } from '@tapecast/db/database';
import { listQuotes } from '@tapecast/db/quotes';
import { listTickers } from '@tapecast/db/tickers';
import type { StatusBoard } from '../hub/status-board.ts';

export async function answerTickers(db: Database, board: StatusBoard): Promise<Response> {
  const [tickers, quotes] = await Promise.all([listTickers(db, { activeOnly: true }), listQuotes(db)]);
  const quoteOf = new Map(quotes.map((quote) => [quote.ticker, quote]));
  const answer: TickersAnswer = await Promise.all(
    tickers.map(async ({ ticker, name, industry, exchange, currency, timezone, priceDecimals }) => {
      const { price, previousClose } = quoteOf.get(ticker) ?? (await lastCloses(db, ticker));
      const change = price === null || previousClose === null ? null : price - previousClose;
      const changePercent = change === null || previousClose === null ? null : (change / previousClose) * 100;
      const facts = { ticker: ticker as Ticker, name, industry, exchange, currency, timezone, priceDecimals };
      return { ...facts, price, previousClose, change, changePercent, freshness: board.freshness(ticker) };
    }),
  );
  return Response.json(answer, { headers: { 'cache-control': 'no-store' } });
}

/** Where no quote has arrived yet (a replayed or imported history), the last two daily bars say as much. */
async function lastCloses(
  db: Database,
  ticker: string,
): Promise<{ price: number | null; previousClose: number | null }> {
  const page = await readSeries(db, { ticker, resolution: '1d', limit: 2 });
  const [last, previous] = page?.bars.toReversed() ?? [];
  return { price: last?.[4] ?? null, previousClose: previous?.[4] ?? null };
}
