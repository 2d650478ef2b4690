import { expect, it } from 'vitest';
import { waitUntilReady } from './readiness.ts';

const READY: Record<string, unknown> = {
  '/readyz': {},
  'http://ingestor/readyz': {},
  '/api/v1/tickers': [{ ticker: 'MSFT' }, { ticker: '^GSPC' }],
  '/api/v1/prices/MSFT?resolution=1m&limit=1': { bars: [[0, 1, 1, 1, 1, 1]] },
  '/api/v1/prices/%5EGSPC?resolution=1m&limit=1': { bars: [[0, 1, 1, 1, 1, 1]] },
};

/** A web that first answers with `exceptions`, and with READY from the second question of each kind on. */
function webThatImproves(exceptions: Record<string, Response>): { fetch: typeof fetch; asked: string[] } {
  const asked: string[] = [];
  const answer = async (input: URL | Request | string) => {
    const path = String(input).replace('http://here', '');
    const again = asked.includes(path);
    asked.push(path);
    return (again ? undefined : exceptions[path]) ?? Response.json(READY[path]);
  };
  return { fetch: answer, asked };
}

it.each<[string, Record<string, Response>]>([
  ['the web is not ready', { '/readyz': Response.json({ ready: false, reasons: ['database'] }, { status: 503 }) }],
  ['histories are being loaded', { 'http://ingestor/readyz': new Response(null, { status: 503 }) }],
  ['there is no ticker', { '/api/v1/tickers': Response.json([]) }],
  ['a ticker has no bars', { '/api/v1/prices/%5EGSPC?resolution=1m&limit=1': Response.json({ bars: [] }) }],
])('waits while %s', async (_what, exceptions) => {
  const web = webThatImproves(exceptions);
  const signal = AbortSignal.timeout(10_000);
  await waitUntilReady({
    origin: 'http://here',
    ingestor: 'http://ingestor/readyz',
    signal,
    onWaiting: () => undefined,
    fetch: web.fetch,
  });
  for (const path of Object.keys(exceptions)) expect(web.asked.filter((asked) => asked === path)).toHaveLength(2);
  expect(new Set(web.asked)).toEqual(new Set(Object.keys(READY)));
});

it('ends with the reason of its signal', async () => {
  const stopping = new AbortController();
  const waiting = waitUntilReady({
    origin: 'http://here',
    ingestor: 'http://ingestor/readyz',
    signal: stopping.signal,
    onWaiting: () => undefined,
    fetch: async () => {
      stopping.abort(new Error('stopped'));
      return new Response(null, { status: 503 });
    },
  });
  await expect(waiting).rejects.toThrow();
});
