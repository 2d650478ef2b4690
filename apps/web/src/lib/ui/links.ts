/** The page's address names what it shows: `/?t=MSFT&r=1h`. */
import type { Resolution } from '@tapecast/contracts/resolution';
import { isResolution } from '#lib/market/resolutions.ts';

export interface View {
  /** Null: the first of the watchlist. */
  ticker: string | null;
  resolution: Resolution;
}

export const DEFAULT_RESOLUTION: Resolution = '1h';

export function viewOf(query: Pick<URLSearchParams, 'get'>): View {
  const resolution = query.get('r');
  return {
    ticker: query.get('t')?.trim().toUpperCase() || null,
    resolution: isResolution(resolution) ? resolution : DEFAULT_RESOLUTION,
  };
}

/** The query of a view's address. */
export function queryOf({ ticker, resolution }: View): string {
  return new URLSearchParams({ ...(ticker === null ? {} : { t: ticker }), r: resolution }).toString();
}
