/** Which source this process uses: decided once, at start. A Yahoo that fails later is stale, not simulated. */
import { type Ticker } from '@tapecast/contracts/ticker';
import { type RequestBudget } from '@tapecast/ingest/sources/request-budget';
import { DEFAULT_RESILIENCE } from '@tapecast/ingest/sources/resilience';
import { createSimulatedSource } from '@tapecast/ingest/sources/simulated';
import { type PriceSource, type SourceName } from '@tapecast/ingest/sources/source';
import { createYahooSource } from '@tapecast/ingest/sources/yahoo';
import { type Logger } from '@tapecast/runtime/logger';
import { type Settings } from './settings.ts';

const PROBE_TIMEOUT_MS = 3_000;

export class MixedSourcesError extends Error {
  override readonly name = 'MixedSourcesError';

  constructor(stored: string, wanted: SourceName) {
    super(
      `The database holds ${stored} prices and this ingestor would write ${wanted} ones. ` +
        `Simulated and real prices never share a database: set PRICE_SOURCE=${stored} or another DATABASE_URL.`,
    );
  }
}

type Wanted = Pick<Settings, 'PRICE_SOURCE' | 'YAHOO_ORIGIN' | 'SIMULATION_SEED'>;

export async function chooseSource(
  settings: Wanted,
  probe: Ticker,
  context: { logger: Logger; signal: AbortSignal; budget: RequestBudget },
): Promise<PriceSource> {
  const simulated = () => createSimulatedSource({ seed: settings.SIMULATION_SEED });
  if (settings.PRICE_SOURCE === 'simulated') return simulated();
  const yahoo = createYahooSource({
    origin: settings.YAHOO_ORIGIN,
    budget: context.budget,
  });
  if (settings.PRICE_SOURCE === 'yahoo') return yahoo;
  // Nobody waits long for a start: one attempt, on a client of its own whose failures count for nothing later.
  const once = createYahooSource({
    origin: settings.YAHOO_ORIGIN,
    budget: context.budget,
    timeoutMs: PROBE_TIMEOUT_MS,
    resilience: { ...DEFAULT_RESILIENCE, retries: 0 },
  });
  try {
    await once.quotes([probe], context.signal);
    return yahoo;
  } catch (err) {
    context.signal.throwIfAborted();
    context.logger.warn({ err }, 'Yahoo does not answer: prices are simulated until the next start');
    return simulated();
  }
}

/** @throws {MixedSourcesError} */
export function refuseMixing(stored: string | undefined, wanted: SourceName): void {
  if (stored === undefined || stored === wanted) return;
  if (stored === 'simulated' || wanted === 'simulated') throw new MixedSourcesError(stored, wanted);
}
