/** `GET /api/v1/forecasts/{ticker}`: the newest forecast, or the one that was known at `asOf`. */
import { ForecastQuery } from '@tapecast/contracts/rest';
import type { Database } from '@tapecast/db/database';
import { readForecast } from '@tapecast/db/forecasts';
import { parseTicker } from './prices.ts';
import { parseQuery, ProblemError } from './problem.ts';

export async function answerForecast(request: Request, db: Database, name: string): Promise<Response> {
  const query = parseQuery(ForecastQuery, new URL(request.url));
  const ticker = parseTicker(name);
  const forecast = await readForecast(db, { ticker, ...query });
  if (forecast === null) {
    throw new ProblemError(404, `There is no ${query.resolution} forecast of ${ticker} that fits; it may come soon.`);
  }
  return Response.json(forecast, {
    headers: { 'cache-control': 'no-cache', etag: `W/"${forecast.model}-${forecast.resolution}-${forecast.madeAt}"` },
  });
}
