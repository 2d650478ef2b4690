/** The examples of docs/protocol.md, run as they stand there. */
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { PricesAnswer } from '@tapecast/contracts/rest';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { serveWorld, type ServedWorld } from './protocol-world.ts';

const PAGE = new URL('../../docs/protocol.md', import.meta.url);
const SOCKET_IO = new URL('../../node_modules/socket.io-client/dist/socket.io.min.js', import.meta.url);
let world: ServedWorld;
let page: string;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  page = await readFile(PAGE, 'utf8');
  world = await serveWorld({ ALLOWED_ORIGINS: '*' });
});
afterAll(async () => {
  for (const end of ends) await end();
  await world?.close();
});

function example(language: string): string {
  const code = new RegExp('^```' + language + '\\n([\\s\\S]*?)^```', 'm').exec(page)?.[1];
  if (code === undefined) throw new Error(`docs/protocol.md has no example in ${language}`);
  return code;
}

/** Starts a program, and returns what it has printed so far. */
function run(command: string, parameters: string[]): () => string {
  const child = spawn(command, parameters, { env: { ...process.env, TAPECAST: world.origin, TICKER: 'MSFT' } });
  ends.push(() => child.kill('SIGKILL'));
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (bytes) => (output += String(bytes)));
  return () => output;
}

async function expectFollows(output: () => string, close: number): Promise<void> {
  await vi.waitFor(() => expect(output()).toMatch(/snapshot \d/), { timeout: 20_000 });
  await world.write(close);
  await vi.waitFor(() => expect(output()).toContain(`change ${close}`), { timeout: 20_000 });
}

it('curl gets a page', () => {
  const { stdout } = spawnSync('sh', ['-c', example('sh')], { env: { ...process.env, TAPECAST: world.origin } });
  expect(PricesAnswer.parse(JSON.parse(stdout.toString())).bars).toHaveLength(1);
});

it('TypeScript follows a series', async () => {
  const file = new URL(`./example-${process.pid}.tmp.ts`, import.meta.url);
  await writeFile(file, example('ts'));
  ends.push(() => rm(file));
  await expectFollows(run(process.execPath, [fileURLToPath(file)]), 21);
});

/** Made by `npm test`, else the system's. */
const python = [fileURLToPath(new URL('../../.tapecast/test-python/bin/python', import.meta.url)), 'python3'].find(
  (program) => spawnSync(program, ['-c', 'import socketio, websocket']).status === 0,
);
it.skipIf(python === undefined)('Python follows a series', async () => {
  await expectFollows(run(python ?? '', ['-c', example('python')]), 22);
});

it('a browser follows a series, from a page of another origin', async () => {
  const library = await readFile(SOCKET_IO);
  const server = createServer((request, response) => {
    const isPage = request.url?.startsWith('/?') === true;
    response.writeHead(200, { 'content-type': isPage ? 'text/html' : 'text/javascript' });
    response.end(isPage ? `<body></body><script src="io.js"></script><script>${example('js')}</script>` : library);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  const browser = await launchBrowser();
  ends.push(() => browser.close());
  const tab = await browser.newPage();
  await tab.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/?tapecast=${world.origin}`);
  await vi.waitFor(async () => expect(await tab.textContent('body')).toMatch(/\d/), { timeout: 20_000 });
  await world.write(23);
  await vi.waitFor(async () => expect(await tab.textContent('body')).toContain('23'), { timeout: 20_000 });
});

it('shows the schemas at /docs', async () => {
  const browser = await launchBrowser();
  ends.push(() => browser.close());
  const tab = await browser.newPage();
  const errors: string[] = [];
  tab.on('pageerror', (error) => errors.push(error.message));
  await tab.goto(`${world.origin}/docs`);
  await tab.getByText('/api/v1/prices/{ticker}').first().click();
  expect(await tab.textContent('main')).toContain('application/problem+json');
  expect(await tab.textContent('main')).toContain('SubscribeRequest'.slice(0, 9).toLowerCase());
  expect(errors).toEqual([]);
});
