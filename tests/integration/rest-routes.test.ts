/** The web service as a process: its own entry point, the built SvelteKit routes, the stop. */
import { fileURLToPath } from 'node:url';
import { createClient } from '@tapecast/client/client';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';
import { watch } from './hub-world.ts';

let database: TestDatabase;
let server: ServerProcess;
let origin: string;

beforeAll(async () => {
  database = await createDatabase();
  const main = fileURLToPath(new URL('../../apps/web/server/main.ts', import.meta.url));
  const env = { ...process.env, DATABASE_URL: database.asRole('tapecast_web'), PORT: '0', LOG_LEVEL: 'info' };
  server = await startServerProcess(process.execPath, [main], /"origin":"[^"]+"/, env);
  origin = /"origin":"([^"]+)"/.exec(server.output())?.[1] ?? '';
});
afterAll(async () => {
  await server?.end('SIGKILL');
  await database?.drop();
});

it.each([
  ['GET', '/healthz', 200, 'text/plain'],
  ['GET', '/api/v1/tickers', 200, 'application/json'],
  ['GET', '/api/openapi.json', 200, 'application/json'],
  ['GET', '/api/v1/prices/NOPE', 404, 'application/problem+json'],
  ['GET', '/api/v1/prices/%5EGSPC?limit=x', 400, 'application/problem+json'],
  ['GET', '/api/v1/forecasts/NOPE', 404, 'application/problem+json'],
  ['GET', '/api/v1/nothing/here', 404, 'application/problem+json'],
  ['POST', '/api/v1/tickers', 403, 'application/problem+json'],
  ['DELETE', '/api/v1/tickers/MSFT', 403, 'application/problem+json'],
  ['PUT', '/api/v1/tickers', 405, 'application/problem+json'],
])('%s %s answers %i', async (method, path, status, type) => {
  // Without a content type SvelteKit takes a write for a form from another site.
  const response = await fetch(`${origin}${path}`, { method, headers: { 'content-type': 'application/json' } });
  expect(response.status).toBe(status);
  expect(response.headers.get('content-type')).toContain(type);
  expect(await response.text()).not.toMatch(/\.ts|at .*\(/);
});

it.each([
  ['POST', '/api/v1/tickers', 403],
  ['DELETE', '/api/v1/tickers/MSFT', 403],
  ['PUT', '/api/v1/unknown', 404],
])('a form of another site gets a problem too: %s %s', async (method, path, status) => {
  const headers = { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://elsewhere.example' };
  const response = await fetch(`${origin}${path}`, { method, headers });
  expect([response.status, response.headers.get('content-type')]).toEqual([status, 'application/problem+json']);
});

it('becomes ready, serves the page and sockets on one port, and ends in time when told', async () => {
  await vi.waitFor(async () => expect((await fetch(`${origin}/readyz`)).status).toBe(200), { timeout: 10_000 });
  expect((await fetch(origin)).headers.get('content-type')).toContain('text/html');
  const client = createClient({ origin });
  const seen = watch(client, 'NOPE', '1m');
  await vi.waitFor(() => expect(seen.errors).toEqual(['unknown_ticker']));
  await server.end('SIGTERM');
  await vi.waitFor(() => expect(client.connection.state).toBe('reconnecting'));
  client.close();
  expect(server.output()).not.toMatch(/"level":(50|60)/);
});
