/** Judging what is stored already: files that were imported, or bars from before a rule existed. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type JudgedBar, writeJudgedBars } from '@tapecast/db/bar-repairs';
import { listSplits } from '@tapecast/db/corporate-actions';
import { type Database } from '@tapecast/db/database';
import { listRepairs } from '@tapecast/db/repair-cases';
import { type PriceRow, readBarsAfter } from '@tapecast/db/write-bars';
import { judgeBars, MARGIN_BARS } from './judge-bars.ts';

export interface ScanResult {
  bars: number;
  /** Cases that are new. */
  found: number;
  /** Bars that were repaired. */
  changed: number;
}

const PAGE_BARS = 5_000;

/**
 * Running it again finds nothing new. Live bars are left to the source's own that replace them.
 * @throws {DatabaseUnavailableError}
 */
export async function scanSeries(
  db: Database,
  series: { ticker: string; resolution: NativeResolution },
  signal: AbortSignal,
): Promise<ScanResult> {
  const { ticker, resolution } = series;
  const result: ScanResult = { bars: 0, found: 0, changed: 0 };
  const splits = (await listSplits(db, ticker)).map(({ since, exDate, ratio }) => ({
    time: resolution === '1d' ? exDate : since,
    ratio,
  }));
  const flagged = new Set((await listRepairs(db, { ticker, resolution, states: ['flagged'] })).map(({ time }) => time));
  let before: PriceRow[] = [];
  let rows = await readBarsAfter(db, resolution, ticker, null, PAGE_BARS);
  while (rows.length > 0) {
    signal.throwIfAborted();
    const next = await readBarsAfter(db, resolution, ticker, rows.at(-1)?.time ?? null, PAGE_BARS);
    const judged = judgeBars({ resolution, bars: rows, before, after: next.slice(0, MARGIN_BARS), splits });
    const bad = judged.filter(
      ({ row, judgement }) =>
        !row.source.endsWith(':live') &&
        (judgement.verdict === 'repair' || judgement.verdict === 'flag' || flagged.has(row.time)),
    );
    const { found, changed } = await writeJudgedBars(db, resolution, bad, { stored: true });
    result.bars += rows.length;
    result.found += found;
    result.changed += changed;
    before = judged.slice(-MARGIN_BARS).map(straight);
    rows = next;
  }
  return result;
}

function straight({ row, judgement }: JudgedBar): PriceRow {
  return judgement.verdict === 'repair' ? judgement.repaired : row;
}
