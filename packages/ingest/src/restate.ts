/**
 * What a split or a dividend changes in the stored history, and bars that the source may have corrected meanwhile. Both
 * are read from the database, so that a killed ingestor goes on where it was; both end with the source's own bars.
 */
import { RESOLUTION_SECONDS } from '@tapecast/contracts/resolution';
import { unixSeconds } from '@tapecast/contracts/units';
import { noteRecheck, type Recheck } from '@tapecast/db/bar-repairs';
import { adjustForSplits, finishRestatement, type PendingRestatement } from '@tapecast/db/restatements';
import { fillSeries, vendorFrom, type FillContext, type FillResult } from './fill.ts';

export interface Restated extends FillResult {
  /** Bars that were divided by ourselves. */
  adjusted: number;
}

/**
 * Brings one series onto the new footing: finer bars at once by our own division, then everything that the source has.
 * @throws {VendorError | DatabaseUnavailableError} it is still due then
 */
export async function restateSeries(
  context: FillContext,
  pending: PendingRestatement,
  signal: AbortSignal,
): Promise<Restated> {
  const { db, clock } = context;
  const { ticker, resolution, oldest } = pending;
  let { adjusted } = resolution === '1d' ? { adjusted: 0 } : await adjustForSplits(db, pending, null);
  const query = {
    ticker,
    resolution,
    from: vendorFrom(resolution, oldest),
    to: unixSeconds(clock.now() / 1_000 + 60),
    order: 'newest-first' as const,
  };
  const result = await fillSeries(context, query, signal, async (rows) => {
    // The source's days say which of the stored ones are older than the split.
    if (resolution === '1d' && rows.length > 0) adjusted += (await adjustForSplits(db, pending, rows)).adjusted;
  });
  await finishRestatement(db, pending);
  return { ...result, adjusted };
}

/** Bars beside a bad one that are asked for with it. */
const RECHECK_MARGIN = 20;

/** Asks for bad bars again: a correction closes their case. */
export async function recheckBars(context: FillContext, recheck: Recheck, signal: AbortSignal): Promise<FillResult> {
  const { resolution, ids } = recheck;
  const margin = RECHECK_MARGIN * RESOLUTION_SECONDS[resolution];
  const now = context.clock.now() / 1_000;
  const result = await fillSeries(
    context,
    {
      ticker: recheck.ticker,
      resolution,
      from: vendorFrom(resolution, recheck.from - margin),
      to: unixSeconds(Math.min(recheck.to + margin, now + 60)),
      order: 'oldest-first',
    },
    signal,
  );
  await noteRecheck(context.db, ids, now);
  return result;
}
