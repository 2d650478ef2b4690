/** The REST calls of the pages. Failures are told in the words of the server's problem document. */
import type { Problem, PricesAnswer, TickersAnswer } from '@tapecast/contracts/rest';
import type { Resolution } from '@tapecast/contracts/resolution';

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

async function get<Answer>(fetcher: Fetch, path: string): Promise<Answer> {
  let response: Response;
  try {
    response = await fetcher(path, { headers: { accept: 'application/json' } });
  } catch (cause) {
    throw new RestError('the server cannot be reached', 0, { cause });
  }
  if (response.ok) return (await response.json()) as Answer;
  const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
  throw new RestError(problem.detail ?? `the server answered ${response.status}`, response.status);
}

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
