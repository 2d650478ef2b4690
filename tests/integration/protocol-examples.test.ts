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

it('frames without a library are as the page shows them', async () => {
  const says = (frame: string) => expect(page, `the page shows ${frame}`).toContain(frame);
  const socket = new WebSocket(`${world.origin.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  ends.push(() => socket.close());
  const frames: string[] = [];
  socket.addEventListener('message', ({ data }) => frames.push(String(data)));
  const heard = (pattern: RegExp) =>
    vi.waitFor(() => frames.find((frame) => pattern.test(frame)) ?? expect.fail(frames.join('\n')), {
      timeout: 20_000,
    });
  expect(await heard(/^0\{/)).toContain('"pingInterval":10000,"pingTimeout":8000');
  says('"pingInterval":10000,"pingTimeout":8000');
  const connect = '40{"protocol":1}';
  says(connect);
  socket.send(connect);
  await heard(/^40\{"sid"/);
  const subscribe = '421["subscribe",{"series":[{"ticker":"MSFT","resolution":"1m"}]}]';
  says(subscribe);
  socket.send(subscribe);
  expect(await heard(/^431/)).toMatch(/^431\[\{"ok":true,"epoch".*"mode":"snapshot"/);
  await world.write(24);
  expect(await heard(/^42\["bars"/)).toContain(',24,');
  await heard(/^2$/);
  socket.send('3');
});

it('frames refuse an unknown protocol as the page shows it', async () => {
  const socket = new WebSocket(`${world.origin.replace('http', 'ws')}/socket.io/?EIO=4&transport=websocket`);
  ends.push(() => socket.close());
  const frames: string[] = [];
  socket.addEventListener('message', ({ data }) => frames.push(String(data)));
  socket.addEventListener('open', () => socket.send('40{"protocol":99}'));
  await vi.waitFor(() => expect(frames.join('\n')).toMatch(/^44\{.*"data":\{"code":"unsupported_protocol"/m), {
    timeout: 20_000,
  });
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
