/** A price source by the settings, behind the one request budget. */
import { type Database } from '@tapecast/db/database';
import { takeVendorRequest } from '@tapecast/db/vendor-budget';
import { createRequestBudget, type RequestBudget } from './request-budget.ts';
import { createSharedRequestBudget } from './shared-request-budget.ts';
import { createSimulatedSource } from './simulated.ts';
import { type PriceSource, type SourceName } from './source.ts';
import { type VendorSettings } from './vendor-settings.ts';
import { createYahooSource } from './yahoo.ts';

export class MixedSourcesError extends Error {
  override readonly name = 'MixedSourcesError';

  constructor(stored: string, wanted: SourceName) {
    super(
      `The database holds ${stored} prices and this program would write ${wanted} ones. ` +
        `Simulated and real prices never share a database: set PRICE_SOURCE=${stored} or another DATABASE_URL.`,
    );
  }
}

/** @throws {MixedSourcesError} */
export function refuseMixing(stored: string | undefined, wanted: SourceName): void {
  if (stored === undefined || stored === wanted) return;
  if (stored === 'simulated' || wanted === 'simulated') throw new MixedSourcesError(stored, wanted);
}

export function openSource(
  name: SourceName,
  settings: Pick<VendorSettings, 'YAHOO_ORIGIN' | 'SIMULATION_SEED'>,
  budget: RequestBudget,
): PriceSource {
  if (name === 'simulated') return createSimulatedSource({ seed: settings.SIMULATION_SEED });
  return createYahooSource({ origin: settings.YAHOO_ORIGIN, budget });
}

/**
 * The budget is one row of the database, shared by all who ask the vendor: ingestors, and a backfill by hand beside them.
 *
 * @param sharers how many may go on without the database, each with its part of the rate
 */
export function openVendorBudget(
  db: Database,
  settings: Pick<VendorSettings, 'VENDOR_REQUESTS_PER_SECOND' | 'VENDOR_BURST'>,
  sharers: number,
): RequestBudget {
  const { VENDOR_REQUESTS_PER_SECOND: perSecond, VENDOR_BURST: burst } = settings;
  // One request of the burst is for those that were held up on their way: the vendor shall count no more than we do.
  const capacity = Math.max(1, burst - 1);
  // Backfills leave one request for somebody's poll, where the bucket holds more than one.
  const reserve = { poll: 0, backfill: Math.min(1, capacity - 1) };
  return createSharedRequestBudget({
    ask: (lane) => takeVendorRequest(db, { vendor: 'yahoo', perSecond, burst: capacity, reserve: reserve[lane] }),
    fallback: createRequestBudget({ perSecond: perSecond / sharers, burst: sharers === 1 ? burst : 1 }),
  });
}
