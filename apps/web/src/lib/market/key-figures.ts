/** Figures of a ticker from about a year of its daily bars. */
import type { LiveBar } from '@tapecast/contracts/bar';
import { DAY } from './resolutions.ts';

const YEAR = 365 * DAY;
const VOLUME_DAYS = 20;

export interface KeyFigures {
  yearLow: number;
  yearHigh: number;
  /** Mean of the last 20 whole days, null where the vendor gives none. */
  averageVolume: number | null;
}

/**
 * @param days daily bars, rising, today's last
 * @returns null without bars
 */
export function keyFigures(days: readonly LiveBar[]): KeyFigures | null {
  const last = days.at(-1);
  if (last === undefined) return null;
  const year = days.filter(([time]) => time > last[0] - YEAR);
  const volumes = days.slice(-VOLUME_DAYS - 1, -1).flatMap(([, , , , , volume]) => volume ?? []);
  return {
    yearLow: Math.min(...year.map(([, , , low]) => low)),
    yearHigh: Math.max(...year.map(([, , high]) => high)),
    averageVolume: volumes.length === 0 ? null : volumes.reduce((sum, volume) => sum + volume, 0) / volumes.length,
  };
}
