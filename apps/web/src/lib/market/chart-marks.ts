/** What a chart marks beside its candles: ex-dates of splits and dividends, bars that were repaired or are doubtful. */
import type { BarRepair, CorporateAction } from '@tapecast/contracts/actions';
import type { LiveBar } from '@tapecast/contracts/bar';
import { baseOf, RESOLUTION_SECONDS, type Resolution } from '@tapecast/contracts/resolution';
import { DAY, isDated } from './resolutions.ts';
import { dateKey } from './times.ts';

export interface ChartMark {
  /** Of the bar that is marked. */
  time: number;
  kind: 'split' | 'dividend' | 'repaired' | 'flagged';
  text: string;
}

/** Furthest that a zone's date is ahead of UTC's. */
const EARLIEST_ZONE = 14 * 3_600;

/** @returns rising in time; what lies outside of the bars is left out */
export function chartMarks(
  bars: readonly LiveBar[],
  resolution: Resolution,
  timezone: string,
  told: { actions: readonly CorporateAction[]; repairs: readonly BarRepair[] },
): ChartMark[] {
  const width = RESOLUTION_SECONDS[resolution];
  const [first] = bars;
  if (first === undefined) return [];
  const marks: ChartMark[] = [];
  for (const action of told.actions) {
    if (action.exDate + DAY <= first[0]) continue;
    const bar = isDated(resolution)
      ? bars.find(([time]) => time + width > action.exDate)
      : bars.find(([time]) => time >= action.exDate - EARLIEST_ZONE && dateKey(time, timezone) >= action.exDate);
    if (bar !== undefined) marks.push({ time: bar[0], kind: action.kind, text: action.kind === 'split' ? 'S' : 'D' });
  }
  for (const repair of told.repairs) {
    if (repair.resolution !== baseOf(resolution) || repair.state === 'undone') continue;
    const bar = bars.find(([time]) => time <= repair.time && repair.time < time + width);
    if (bar === undefined) continue;
    const flagged = repair.state === 'flagged';
    marks.push({ time: bar[0], kind: flagged ? 'flagged' : 'repaired', text: flagged ? '?' : 'R' });
  }
  return marks.sort((a, b) => a.time - b.time);
}
