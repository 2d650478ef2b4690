/** The REST calls of the pages. Failures are told in the words of the server's problem document. */
import { browser } from '$app/env';
import { resolve } from '$app/paths';
import type { ActionsAnswer, RepairsAnswer } from '@tapecast/contracts/actions';
import type { Problem, PricesAnswer, TickersAnswer } from '@tapecast/contracts/rest';
import type { Forecast } from '@tapecast/contracts/forecast';
import type { LabRequest, LabRun, LabRunsAnswer } from '@tapecast/contracts/lab';
import type { Scorecard, ScoreKind } from '@tapecast/contracts/scores';
import type { ForecastResolution, Resolution } from '@tapecast/contracts/resolution';

export type Fetch = typeof fetch;

export class RestError extends Error {
  override readonly name = 'RestError';
  /** 0 when there was no answer at all. */
  readonly status: number;

  constructor(message: string, status: number, options?: ErrorOptions) {
    super(message, options);
    this.status = status;
  }
}

async function ask<Answer>(fetcher: Fetch, path: string, change?: { body: unknown }): Promise<Answer> {
  const init: RequestInit =
    change === undefined
      ? { headers: { accept: 'application/json' } }
      : {
          method: 'POST',
          headers: { accept: 'application/json', 'content-type': 'application/json' },
          body: JSON.stringify(change.body),
        };
  let response: Response;
  try {
    // On the server SvelteKit answers itself, below no path.
    response = await fetcher(browser ? resolve('/') + path.slice(1) : path, init);
  } catch (cause) {
    throw new RestError('the server cannot be reached', 0, { cause });
  }
  if (response.ok) return (await response.json()) as Answer;
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  const details = (problem.errors ?? []).map(({ name, message }) => `${name}: ${message}`);
  const words = [problem.detail ?? `the server answered ${response.status}`, ...details];
  throw new RestError(words.join(' '), response.status);
}

const get = <Answer>(fetcher: Fetch, path: string): Promise<Answer> => ask(fetcher, path);

export function getTickers(fetcher: Fetch): Promise<TickersAnswer> {
  return get(fetcher, '/api/v1/tickers');
}

export interface Page {
  resolution: Resolution;
  limit: number;
  /** Unix seconds, inclusive. */
  to?: number;
}

export function getPrices(fetcher: Fetch, ticker: string, { resolution, limit, to }: Page): Promise<PricesAnswer> {
  const query = new URLSearchParams({ resolution, limit: String(limit) });
  if (to !== undefined) query.set('to', String(to));
  return get(fetcher, `/api/v1/prices/${encodeURIComponent(ticker)}?${query}`);
}

export function getActions(fetcher: Fetch, ticker: string): Promise<ActionsAnswer> {
  return get(fetcher, `/api/v1/actions/${encodeURIComponent(ticker)}`);
}

export function getRepairs(fetcher: Fetch, ticker: string): Promise<RepairsAnswer> {
  return get(fetcher, `/api/v1/repairs/${encodeURIComponent(ticker)}`);
}

interface Scored {
  resolution: ForecastResolution;
  kind: ScoreKind;
}

export function getScores(fetcher: Fetch, ticker: string, { resolution, kind }: Scored): Promise<Scorecard> {
  const query = new URLSearchParams({ resolution, kind });
  return get(fetcher, `/api/v1/scores/${encodeURIComponent(ticker)}?${query}`);
}

/** The forecast as it was known at `asOf`; null when there was none. */
export async function getForecast(
  fetcher: Fetch,
  ticker: string,
  { resolution, kind, asOf }: Scored & { asOf: number },
): Promise<Forecast | null> {
  const query = new URLSearchParams({ resolution, kind, asOf: String(asOf) });
  try {
    return await get(fetcher, `/api/v1/forecasts/${encodeURIComponent(ticker)}?${query}`);
  } catch (error) {
    if (error instanceof RestError && error.status === 404) return null;
    throw error;
  }
}

export function getLabRuns(fetcher: Fetch, limit: number): Promise<LabRunsAnswer> {
  return get(fetcher, `/api/v1/lab/runs?limit=${limit}`);
}

export function getLabRun(fetcher: Fetch, id: number): Promise<LabRun> {
  return get(fetcher, `/api/v1/lab/runs/${id}`);
}

export function beginLabRun(fetcher: Fetch, request: LabRequest): Promise<LabRun> {
  return ask(fetcher, '/api/v1/lab/runs', { body: request });
}

export function cancelLabRun(fetcher: Fetch, id: number): Promise<LabRun> {
  return ask(fetcher, `/api/v1/lab/runs/${id}/cancel`, { body: {} });
}
