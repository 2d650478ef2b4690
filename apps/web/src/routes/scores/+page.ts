import type { TickersAnswer } from '@tapecast/contracts/rest';
import { getTickers } from '#lib/market/rest.ts';
import type { PageLoad } from './$types.js';

/** The list comes with the page where it can; where not, the page comes anyway and asks again by itself. */
export const load: PageLoad = async ({ fetch }): Promise<{ tickers: TickersAnswer | null }> => {
  try {
    return { tickers: await getTickers(fetch) };
  } catch {
    return { tickers: null };
  }
};
