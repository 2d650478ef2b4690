/** The contracts' resolutions without their schemas: the browser needs no validator to draw. */
import type { ForecastResolution, Resolution } from '@tapecast/contracts/resolution';

export const RESOLUTIONS = ['1m', '5m', '15m', '1h', '1d', '1w'] as const satisfies readonly Resolution[];

export const RESOLUTION_NAMES: Record<Resolution, string> = {
  '1m': '1 minute',
  '5m': '5 minutes',
  '15m': '15 minutes',
  '1h': '1 hour',
  '1d': '1 day',
  '1w': '1 week',
};

export const HOUR = 3_600;
export const DAY = 86_400;

export function isResolution(text: string | null): text is Resolution {
  return RESOLUTIONS.some((resolution) => resolution === text);
}

/** Bars of a day or more stand for a date, not for a moment. */
export function isDated(resolution: Resolution): boolean {
  return resolution === '1d' || resolution === '1w';
}

/** The forecast that is told beside a chart: hours beside intraday bars, days beside the others. */
export function forecastBeside(resolution: Resolution): ForecastResolution {
  return isDated(resolution) ? '1d' : '1h';
}
