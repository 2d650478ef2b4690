/** Yahoo Finance through yahoo-finance2: quotes in batches, bars by chart(). */
import type { Ticker } from '@tapecast/contracts/ticker';
import YahooFinance from 'yahoo-finance2';
import { ExtendedCookieJar } from 'yahoo-finance2/lib/cookieJar';
import { systemClock, type Clock } from '../clock.ts';
import { VendorError, VendorFormatError, VendorSessionError } from './errors.ts';
import { createRequestBudget, type Lane, type RequestBudget } from './request-budget.ts';
import { createResilience, DEFAULT_RESILIENCE, type ResilienceOptions } from './resilience.ts';
import type { BarsPage, BarsQuery, PriceSource, QuoteReply } from './source.ts';
import { readChart, readQuote } from './yahoo-wire.ts';
import { chartWindows, earliestBar } from './yahoo-windows.ts';
import { createTransport } from './yahoo-transport.ts';

/** 2,100 symbols in one request were answered with 431. */
const SYMBOLS_PER_REQUEST = 200;

export interface YahooOptions {
  /** Sends every request, whatever its host, to this origin with the same path and query. */
  origin?: string | undefined;
  budget?: RequestBudget;
  timeoutMs?: number;
  resilience?: ResilienceOptions;
  fetch?: typeof fetch;
  clock?: Clock;
}

export const DEFAULT_BUDGET = { perSecond: 2, burst: 20 };

export function createYahooSource(options: YahooOptions = {}): PriceSource {
  const clock = options.clock ?? systemClock;
  const transport = createTransport({
    budget: options.budget ?? createRequestBudget({ ...DEFAULT_BUDGET, clock }),
    origin: options.origin,
    timeoutMs: options.timeoutMs ?? 5_000,
    fetch: options.fetch ?? fetch,
  });
  const resilience = createResilience(options.resilience ?? DEFAULT_RESILIENCE);
  let client = createClient();

  /** One question to the vendor; a refused session is replaced by a new one at once, and once only. */
  async function ask<T>(
    lane: Lane,
    signal: AbortSignal,
    question: (client: Client, fetch: Fetch) => Promise<T>,
  ): Promise<T> {
    const fetchOfLane = transport(lane, signal);
    const attempt = async () => {
      const asked = client;
      try {
        return await question(asked, fetchOfLane);
      } catch (error) {
        if (!(error instanceof VendorSessionError)) throw error;
        if (client === asked) client = createClient();
        return await question(client, fetchOfLane);
      }
    };
    return resilience.run(signal, () =>
      attempt().catch((error: unknown) => Promise.reject(asVendorError(error, signal))),
    );
  }

  async function quoteBatch(tickers: readonly Ticker[], signal: AbortSignal): Promise<QuoteReply> {
    const entries = await ask('poll', signal, (yahoo, fetch) =>
      yahoo.quote([...tickers], { return: 'array' }, { validateResult: false, fetch }),
    );
    if (!Array.isArray(entries)) throw new VendorFormatError("Yahoo's quotes have another shape: expected a list");
    return sortQuotes(tickers, entries);
  }

  return {
    name: 'yahoo',
    quotes: async (tickers, signal) => {
      const batches: Ticker[][] = [];
      for (let at = 0; at < tickers.length; at += SYMBOLS_PER_REQUEST) {
        batches.push(tickers.slice(at, at + SYMBOLS_PER_REQUEST));
      }
      const replies = await Promise.all(batches.map((batch) => quoteBatch(batch, signal)));
      return {
        quotes: replies.flatMap((reply) => reply.quotes),
        rejected: replies.flatMap((reply) => reply.rejected),
      };
    },
    earliest: (resolution) => earliestBar(resolution, clock.now() / 1_000),
    bars: async function* (query: BarsQuery, signal: AbortSignal): AsyncGenerator<BarsPage> {
      const { ticker, resolution, from, to, order } = query;
      for (const window of chartWindows(resolution, { from, to }, clock.now() / 1_000, order)) {
        const page = await ask('backfill', signal, async (yahoo, fetch) => {
          const reply: unknown = await yahoo.chart(
            ticker,
            {
              interval: resolution,
              period1: window.from,
              period2: window.to,
              includePrePost: false,
              events: 'div|split',
              return: 'object',
            },
            { validateResult: false, fetch },
          );
          return readChart(ticker, reply);
        });
        yield page;
      }
    },
  };
}

type Client = InstanceType<typeof YahooFinance>;
type Fetch = typeof fetch;

function createClient(): Client {
  const silent = () => undefined;
  return new YahooFinance({
    cookieJar: new ExtendedCookieJar(),
    versionCheck: false,
    suppressNotices: ['yahooSurvey'],
    validation: { logErrors: false, logOptionsErrors: false },
    // Requests wait in our own budget, where polls overtake a backfill; the library's queue would hold them back.
    queue: { concurrency: 1_000 },
    logger: { info: silent, warn: silent, error: silent, debug: silent, dir: silent },
  });
}

/** What the library throws by itself comes from a reply that it could not read. */
function asVendorError(error: unknown, signal: AbortSignal): unknown {
  if (signal.aborted || error instanceof VendorError) return error;
  return new VendorFormatError(
    `Yahoo's reply cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    {
      cause: error,
    },
  );
}

function sortQuotes(tickers: readonly Ticker[], entries: readonly unknown[]): QuoteReply {
  const reply: QuoteReply = { quotes: [], rejected: [] };
  const bySymbol = new Map(entries.map((entry) => [symbolOf(entry), entry]));
  for (const ticker of tickers) {
    const entry = bySymbol.get(ticker);
    const quote = entry === undefined ? null : readQuote(entry);
    if (quote !== null) reply.quotes.push(quote);
    else {
      const reason = entry === undefined ? 'unknown_symbol' : 'malformed';
      reply.rejected.push({ ticker, resolution: null, reason, raw: entry ?? null });
    }
  }
  return reply;
}

function symbolOf(entry: unknown): unknown {
  return typeof entry === 'object' && entry !== null && 'symbol' in entry ? entry.symbol : undefined;
}
