/** Which source this process uses: decided once, at start. A Yahoo that fails later is stale, not simulated. */
import { type Ticker } from '@tapecast/contracts/ticker';
import { openSource } from '@tapecast/ingest/sources/open-source';
import { type RequestBudget } from '@tapecast/ingest/sources/request-budget';
import { DEFAULT_RESILIENCE } from '@tapecast/ingest/sources/resilience';
import { type PriceSource } from '@tapecast/ingest/sources/source';
import { createYahooSource } from '@tapecast/ingest/sources/yahoo';
import { type Logger } from '@tapecast/runtime/logger';
import { type Settings } from './settings.ts';

const PROBE_TIMEOUT_MS = 3_000;

type Wanted = Pick<Settings, 'PRICE_SOURCE' | 'YAHOO_ORIGIN' | 'SIMULATION_SEED'>;

export async function chooseSource(
  settings: Wanted,
  probe: Ticker,
  context: { logger: Logger; signal: AbortSignal; budget: RequestBudget },
): Promise<PriceSource> {
  const { logger, signal, budget } = context;
  if (settings.PRICE_SOURCE !== 'auto') return openSource(settings.PRICE_SOURCE, settings, budget);
  // Nobody waits long for a start: one attempt, on a client of its own whose failures count for nothing later.
  const once = createYahooSource({
    origin: settings.YAHOO_ORIGIN,
    budget,
    timeoutMs: PROBE_TIMEOUT_MS,
    resilience: { ...DEFAULT_RESILIENCE, retries: 0 },
  });
  try {
    await once.quotes([probe], signal);
    return openSource('yahoo', settings, budget);
  } catch (err) {
    signal.throwIfAborted();
    logger.warn({ err }, 'Yahoo does not answer: prices are simulated until the next start');
    return openSource('simulated', settings, budget);
  }
}
