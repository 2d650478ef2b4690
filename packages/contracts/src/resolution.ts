/**
 * Resolutions: the width of a bar. `1m`, `1h` and `1d` are native (the vendor's own bars, one table each);
 * `5m`, `15m` and `1w` are derived from a native base when they are read.
 */
import { z } from 'zod';

export const NATIVE_RESOLUTIONS = ['1m', '1h', '1d'] as const;
export const RESOLUTIONS = ['1m', '5m', '15m', '1h', '1d', '1w'] as const;

export const NativeResolution = z.enum(NATIVE_RESOLUTIONS);
export type NativeResolution = z.infer<typeof NativeResolution>;

export const Resolution = z.enum(RESOLUTIONS);
export type Resolution = z.infer<typeof Resolution>;

/** Resolutions that are forecast, with the horizon in bars. */
export const FORECAST_HORIZONS = { '1h': 24, '1d': 20 } as const;
export const ForecastResolution = z.enum(['1h', '1d']);
export type ForecastResolution = z.infer<typeof ForecastResolution>;

/** Nominal width of a bar in seconds. A 1d bar is keyed by the exchange-local date at 00:00Z. */
export const RESOLUTION_SECONDS: Record<Resolution, number> = {
  '1m': 60,
  '5m': 300,
  '15m': 900,
  '1h': 3_600,
  '1d': 86_400,
  '1w': 604_800,
};

const BASE: Record<Resolution, NativeResolution> = {
  '1m': '1m',
  '5m': '1m',
  '15m': '1m',
  '1h': '1h',
  '1d': '1d',
  '1w': '1d',
};

/** The native resolution whose rows (and whose revision) a resolution is made of. */
export function baseOf(resolution: Resolution): NativeResolution {
  return BASE[resolution];
}

export function isNative(resolution: Resolution): resolution is NativeResolution {
  return BASE[resolution] === resolution;
}
