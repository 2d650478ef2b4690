/** `PRICE_SOURCE=auto`: asks once, at the start, whether Yahoo answers from here. */
import type { PriceSource } from './settings.ts';

const YAHOO = 'https://query1.finance.yahoo.com';
const PROBE = '/v8/finance/chart/MSFT?range=1d&interval=1d';
const TIMEOUT_MS = 4_000;

export interface SourceChoice {
  source: PriceSource;
  /** For people: why this one. */
  why: string;
}

/** Any answer in JSON counts, refusals included: then Yahoo is there, and what it refuses is shown as stale, not made up. */
export async function chooseSource(
  asked: PriceSource | 'auto',
  options: { yahooOrigin: string | null; signal: AbortSignal; fetch?: typeof fetch },
): Promise<SourceChoice> {
  if (asked !== 'auto') return { source: asked, why: `PRICE_SOURCE=${asked}` };
  const origin = options.yahooOrigin ?? YAHOO;
  const request = options.fetch ?? fetch;
  try {
    const response = await request(new URL(PROBE, origin), {
      headers: { accept: 'application/json', 'user-agent': 'Mozilla/5.0' },
      signal: AbortSignal.any([options.signal, AbortSignal.timeout(TIMEOUT_MS)]),
    });
    const text = await response.text();
    if (isJson(text)) return { source: 'yahoo', why: `${origin} answers` };
    return { source: 'simulated', why: `${origin} answers with status ${response.status} and no JSON` };
  } catch (error) {
    options.signal.throwIfAborted();
    return { source: 'simulated', why: `${origin} cannot be reached: ${reason(error)}` };
  }
}

function isJson(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === 'TimeoutError') return `no answer within ${TIMEOUT_MS / 1_000} s`;
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
