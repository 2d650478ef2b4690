import type { LabRunsAnswer } from '@tapecast/contracts/lab';
import type { TickersAnswer } from '@tapecast/contracts/rest';
import { getLabRuns, getTickers } from '#lib/market/rest.ts';
import type { PageLoad } from './$types.js';

/** Lists come with the page where they can; where not, the page comes anyway and asks again by itself. */
export const load: PageLoad = async ({
  fetch,
  params,
}): Promise<{ id: number | null; tickers: TickersAnswer | null; runs: LabRunsAnswer | null }> => {
  const [tickers, runs] = await Promise.all([
    getTickers(fetch).catch(() => null),
    getLabRuns(fetch, 50).catch(() => null),
  ]);
  return { id: params.id === undefined ? null : Number(params.id), tickers, runs };
};
