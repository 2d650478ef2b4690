/** `GET /api/v1/scores/{ticker}`: the scorecard of a series' forecasts. */
import { ScoresQuery } from '@tapecast/contracts/scores';
import type { Database } from '@tapecast/db/database';
import { readScorecard } from '@tapecast/db/scores-read';
import { listTickers } from '@tapecast/db/tickers';
import { parseTicker, unknownTicker } from './prices.ts';
import { parseQuery } from './problem.ts';

export async function answerScores(request: Request, db: Database, name: string): Promise<Response> {
  const { resolution, kind } = parseQuery(ScoresQuery, new URL(request.url));
  const ticker = parseTicker(name);
  const [card, tickers] = await Promise.all([readScorecard(db, { ticker, resolution, kind }), listTickers(db)]);
  if (card.shown === null && !tickers.some((row) => row.ticker === ticker)) throw unknownTicker(ticker);
  return Response.json(card, { headers: { 'cache-control': 'no-cache' } });
}
