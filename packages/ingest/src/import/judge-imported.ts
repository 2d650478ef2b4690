/** What a file brought is judged as what a vendor gives is: bars that cannot be right are repaired or marked (docs/repair.md). */
import { type Database } from '@tapecast/db/database';
import { scanSeries, type ScanResult } from '../bar-repair/scan.ts';
import { type ImportReport } from './import-prices.ts';

/**
 * Each series of the file from its first bar to its last, with the bars beside them. Killed in between, it is done by the same import
 * once more.
 *
 * @param onBars bars that were judged so far
 * @throws {DatabaseUnavailableError}
 */
export async function judgeImported(
  db: Database,
  { extents, resolution }: Pick<ImportReport, 'extents' | 'resolution'>,
  signal: AbortSignal,
  onBars?: (bars: number) => void,
): Promise<ScanResult> {
  const total: ScanResult = { bars: 0, found: 0, changed: 0 };
  for (const { ticker, ...range } of extents) {
    const { bars } = total;
    const { found, changed, ...judged } = await scanSeries(db, {
      ticker,
      resolution,
      range,
      signal,
      onBars: (done) => onBars?.(bars + done),
    });
    total.bars += judged.bars;
    total.found += found;
    total.changed += changed;
  }
  return total;
}
