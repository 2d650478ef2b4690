/** `GET /api/v1/prices/{ticker}`: a page of bars as JSON, or the whole range as a stream of CSV. */
import type { Bar } from '@tapecast/contracts/bar';
import { PricesQuery, type PricesAnswer } from '@tapecast/contracts/rest';
import { Ticker } from '@tapecast/contracts/ticker';
import { readSeries, streamBars } from '@tapecast/db/bars';
import type { Database } from '@tapecast/db/database';
import { parseQuery, ProblemError } from './problem.ts';

export async function answerPrices(request: Request, db: Database, name: string): Promise<Response> {
  const query = parseQuery(PricesQuery, new URL(request.url));
  const ticker = parseTicker(name);
  const { resolution, from, to } = query;
  const wantsCsv = prefersCsv(request.headers.get('accept') ?? '');
  const page = await readSeries(db, { ticker, resolution, from, to, limit: wantsCsv ? 1 : query.limit });
  if (page === null) throw unknownTicker(ticker);
  if (wantsCsv) return csv(streamBars(db, { ticker, resolution, from, to }), `${ticker}-${resolution}.csv`);
  const answer: PricesAnswer = { ticker, resolution, epoch: page.epoch, revision: page.revision, bars: page.bars };
  return Response.json(answer, { headers: { 'cache-control': 'no-cache', vary: 'accept' } });
}

export function parseTicker(name: string): Ticker {
  const ticker = Ticker.safeParse(name.toUpperCase());
  if (!ticker.success) throw new ProblemError(404, `${JSON.stringify(name.slice(0, 32))} cannot be a ticker.`);
  return ticker.data;
}

export function unknownTicker(ticker: Ticker): ProblemError {
  return new ProblemError(404, `Nothing is known of ${ticker}; GET /api/v1/tickers lists what is.`);
}

function prefersCsv(accept: string): boolean {
  const types = accept.split(',').map((range) => range.split(';')[0]?.trim());
  return types.includes('text/csv') && !types.includes('application/json');
}

/** Memory stays constant; a fault in the middle breaks the connection off, so that half a file does not look whole. */
function csv(pages: AsyncIterable<Bar[]>, filename: string): Response {
  const encoder = new TextEncoder();
  async function* lines(): AsyncGenerator<Uint8Array> {
    yield encoder.encode('time,open,high,low,close,volume\n');
    for await (const page of pages) yield encoder.encode(page.map(line).join(''));
  }
  return new Response(streamOf(lines()), {
    headers: {
      'content-type': 'text/csv; charset=utf-8',
      'content-disposition': `attachment; filename="${filename.replaceAll(/[^A-Za-z0-9.-]/g, '_')}"`,
      'cache-control': 'no-cache',
      vary: 'accept',
    },
  });
}

function line([time, ...values]: Bar): string {
  return `${new Date(time * 1_000).toISOString()},${values.map((value) => value ?? '').join(',')}\n`;
}

/** One page at a time, as the reader asks; a reader that leaves ends the query. */
function streamOf(chunks: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await chunks.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await chunks.return(undefined);
    },
  });
}
