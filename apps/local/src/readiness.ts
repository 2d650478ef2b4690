/** When charts can be seen: the web answers ready, and every active ticker has bars. Asked as any client would. */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

const Tickers = z.array(z.object({ ticker: z.string() }));
const Prices = z.object({ bars: z.array(z.unknown()) });

const INTERVAL_MS = 200;
const REQUEST_TIMEOUT_MS = 5_000;
/**
 * After this long, neither whole histories nor minute bars are insisted on: there may be many tickers, and a market may
 * have been closed for longer than the vendor keeps minutes.
 */
const HISTORY_PATIENCE_MS = 20_000;
const REPORT_EVERY_MS = 15_000;

export interface ReadinessOptions {
  /** Where the ingestor says whether histories are still to be loaded. */
  ingestor: string;
  /** Of the web service, without a slash at the end. */
  origin: string;
  signal: AbortSignal;
  /** Told now and then what is still missing. */
  onWaiting(what: string): void;
  fetch?: typeof fetch;
}

/** Resolves when charts can be seen. @throws the signal's reason when it is aborted */
export async function waitUntilReady(options: ReadinessOptions): Promise<void> {
  const began = performance.now();
  let reported = began;
  for (;;) {
    const missing = await whatIsMissing(options, performance.now() - began > HISTORY_PATIENCE_MS);
    if (missing === null) return;
    if (performance.now() - reported > REPORT_EVERY_MS) {
      reported = performance.now();
      options.onWaiting(missing);
    }
    await sleep(INTERVAL_MS, undefined, { signal: options.signal });
  }
}

async function whatIsMissing(options: ReadinessOptions, impatient: boolean): Promise<string | null> {
  const ready = await get(options, '/readyz');
  if (ready === null) return 'the web service to answer';
  if (ready.status !== 200) return `the web service to be ready: ${await ready.text()}`;
  const tickers = Tickers.safeParse(await json(await get(options, '/api/v1/tickers')));
  if (!tickers.success) return 'the list of tickers';
  if (tickers.data.length === 0) return 'the first tickers';
  const resolutions = impatient ? ['1m', '1h', '1d'] : ['1m'];
  const without: string[] = [];
  for (const { ticker } of tickers.data) {
    if (!(await hasBars(options, ticker, resolutions))) without.push(ticker);
  }
  if (without.length > 0) return `prices of ${without.join(', ')}`;
  if (impatient || (await get(options, options.ingestor))?.status === 200) return null;
  return 'histories';
}

async function hasBars(options: ReadinessOptions, ticker: string, resolutions: string[]): Promise<boolean> {
  for (const resolution of resolutions) {
    const path = `/api/v1/prices/${encodeURIComponent(ticker)}?resolution=${resolution}&limit=1`;
    const prices = Prices.safeParse(await json(await get(options, path)));
    if (prices.success && prices.data.bars.length > 0) return true;
  }
  return false;
}

async function get(
  { origin, signal, fetch: request = fetch }: ReadinessOptions,
  address: string,
): Promise<Response | null> {
  try {
    return await request(address.startsWith('/') ? origin + address : address, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
    });
  } catch {
    signal.throwIfAborted();
    return null;
  }
}

async function json(response: Response | null): Promise<unknown> {
  if (response === null || !response.ok) return null;
  return response.json().catch(() => null);
}
