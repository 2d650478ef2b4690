/** `GET /api/v1/prices/{ticker}`: a page of bars as JSON, or the whole range as a stream of CSV. */
import { PricesQuery, type PricesAnswer } from '@tapecast/contracts/rest';
import { Ticker } from '@tapecast/contracts/ticker';
import { readSeries, STREAM_HEADER, streamLines } from '@tapecast/db/bars';
import type { Database } from '@tapecast/db/database';
import { parseQuery, ProblemError } from './problem.ts';

/** Corrections of bars this old are rare; who holds an old page hears of them over the socket, by its revision. */
const CLOSED_AFTER_SECONDS = 3 * 86_400;

export async function answerPrices(
  request: Request,
  db: Database,
  name: string,
  basePath: string,
  now: () => number = Date.now,
): Promise<Response> {
  const query = parseQuery(PricesQuery, new URL(request.url));
  const ticker = parseTicker(name);
  const { resolution, from, to } = query;
  const wantsCsv = prefersCsv(request.headers.get('accept') ?? '');
  const page = await readSeries(db, { ticker, resolution, from, to, limit: wantsCsv ? 1 : query.limit });
  if (page === null) throw unknownTicker(ticker);
  if (wantsCsv) return csv(streamLines(db, { ticker, resolution, from, to }), `${ticker}-${resolution}.csv`);
  const answer: PricesAnswer = { ticker, resolution, epoch: page.epoch, revision: page.revision, bars: page.bars };
  const closed = to !== undefined && to < now() / 1_000 - CLOSED_AFTER_SECONDS;
  const headers = new Headers({
    'cache-control': closed ? 'public, max-age=60, s-maxage=3600, stale-while-revalidate=86400' : 'no-cache',
    etag: etagOf([page.epoch, page.revision, resolution, from ?? '', to ?? '', query.limit]),
    vary: 'accept',
  });
  const older = olderPage(answer, query, basePath);
  if (older !== null) headers.set('link', `<${older}>; rel="next"`);
  return Response.json(answer, { headers });
}

/** Weak: the same bars, whatever their encoding. A revision says it all, so nothing needs to be hashed. */
function etagOf(parts: (string | number)[]): string {
  return `W/"${parts.join('-')}"`;
}

/** A full page has one before it: the same query, up to just before the page's first bar. */
function olderPage({ ticker, bars }: PricesAnswer, query: PricesQuery, basePath: string): string | null {
  const [first] = bars;
  if (first === undefined || bars.length < query.limit || (query.from !== undefined && first[0] <= query.from))
    return null;
  const parameters = new URLSearchParams({ resolution: query.resolution, limit: String(query.limit) });
  if (query.from !== undefined) parameters.set('from', String(query.from));
  parameters.set('to', String(first[0] - 1));
  return `${basePath}/api/v1/prices/${encodeURIComponent(ticker)}?${parameters}`;
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
function csv(pages: AsyncIterable<{ lines: string }>, filename: string): Response {
  const encoder = new TextEncoder();
  async function* lines(): AsyncGenerator<Uint8Array> {
    yield encoder.encode(STREAM_HEADER);
    for await (const page of pages) yield encoder.encode(page.lines);
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
