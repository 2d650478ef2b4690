/** The snippets of docs/reverse-proxy.md in the proxies themselves: page, REST and sockets below a path. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createClient } from '@tapecast/client/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { launchBrowser } from '../support/browser.ts';
import { watch } from './hub-world.ts';
import { serveWorld, type ServedWorld } from './protocol-world.ts';

const PAGE = new URL('../../docs/reverse-proxy.md', import.meta.url);
let world: ServedWorld;
let folder: string;
let page: string;
const ends: (() => unknown)[] = [];

beforeAll(async () => {
  page = await readFile(PAGE, 'utf8');
  folder = await mkdtemp(join(tmpdir(), 'tapecast-proxy-'));
  world = await serveWorld({ BASE_PATH: '/stocks', TRUSTED_PROXIES: '127.0.0.1', MAX_CONNECTIONS_PER_ADDRESS: '3' });
});
afterAll(async () => {
  for (const end of ends) await end();
  await world?.close();
  await rm(folder, { recursive: true, force: true });
});

function snippet(language: string, port: number): string {
  const text = new RegExp('^```' + language + '\\n([\\s\\S]*?)^```', 'm').exec(page)?.[1];
  if (text === undefined) throw new Error(`docs/reverse-proxy.md has no snippet for ${language}`);
  return text.replaceAll('127.0.0.1:3000', `127.0.0.1:${world.port}`).replaceAll('8080', String(port));
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}

async function start(command: string, parameters: string[], file: string, text: string): Promise<void> {
  await writeFile(file, text);
  const env = { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
  const child = spawn(command, parameters, { env, stdio: 'ignore' });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  ends.unshift(() => (child.kill('SIGTERM'), ended));
}

const PROXIES = {
  async nginx(port: number) {
    const file = join(folder, 'nginx.conf');
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
      (each) => `${each}_temp_path ${folder}/${each};`,
    );
    const text = `daemon off; pid ${folder}/nginx.pid; error_log stderr; worker_processes 1; events {}
      http { access_log off; ${paths.join(' ')} ${snippet('nginx', port)} }`;
    await start('nginx', ['-c', file, '-p', folder], file, text);
  },
  async caddy(port: number) {
    const file = join(folder, 'Caddyfile');
    const text = `{\n admin off\n auto_https off\n}\n${snippet('caddy', port).replaceAll(':' + port, `http://:${port}`)}`;
    await start('caddy', ['run', '--config', file, '--adapter', 'caddyfile'], file, text);
  },
};

describe.each(Object.keys(PROXIES) as (keyof typeof PROXIES)[])('behind %s', (name) => {
  const installed = spawnSync('sh', ['-c', `command -v ${name}`]).status === 0;
  it.skipIf(!installed)('page, REST and sockets work below the path', async () => {
    const port = await freePort();
    await PROXIES[name](port);
    const origin = `http://127.0.0.1:${port}`;
    const tickers = await vi.waitFor(() => fetch(`${origin}/stocks/api/v1/tickers`), { timeout: 20_000 });
    expect(tickers.status).toBe(200);
    expect((await fetch(`${origin}/stocks/api/v1/nothing`)).status).toBe(404);

    const client = createClient({ origin, path: '/stocks/socket.io/' });
    ends.unshift(() => client.close());
    const seen = watch(client, 'MSFT', '1m');
    await vi.waitFor(() => expect(seen.snapshots).toBe(1), { timeout: 20_000 });
    await world.write(30 + name.length);
    await vi.waitFor(() => expect(seen.bars().at(-1)?.[4]).toBe(30 + name.length), { timeout: 20_000 });

    const browser = await launchBrowser();
    const tab = await browser.newPage();
    const failures: string[] = [];
    tab.on('response', (response) => {
      if (response.status() >= 400) failures.push(`${response.status()} ${response.url()}`);
    });
    const sockets: string[] = [];
    tab.on('websocket', (socket) => sockets.push(new URL(socket.url()).pathname));
    await tab.goto(`${origin}/stocks/`);
    await vi.waitFor(() => expect(sockets).toContain('/stocks/socket.io/'), { timeout: 20_000 });
    await vi.waitFor(async () => expect(await tab.innerText('body')).toContain('MSFT'), { timeout: 20_000 });
    await browser.close();
    expect(failures.filter((each) => !each.includes('/forecasts/') && !each.includes('/scores/'))).toEqual([]);
  });
});

it('counts connections by the address that a trusted proxy names, and says so', async () => {
  const connect = (address: string) =>
    createClient({ origin: world.origin, path: '/stocks/socket.io/', extraHeaders: { 'x-forwarded-for': address } });
  const clients = Array.from({ length: 4 }, () => connect('203.0.113.9'));
  ends.unshift(() => clients.forEach((client) => client.close()));
  await vi.waitFor(() => {
    const problems = clients.map(({ connection }) => connection.problem).filter((problem) => problem !== null);
    expect(problems).toEqual([expect.stringContaining('3 connections')]);
  }, 10_000);
  const other = connect('203.0.113.10');
  ends.unshift(() => other.close());
  await vi.waitFor(() => expect(other.connection.state).toBe('connected'), { timeout: 10_000 });
});

it('answers outside of its path with a problem, and leads to it', async () => {
  const outside = await fetch(`${world.origin}/api/v1/tickers`);
  expect([outside.status, outside.headers.get('content-type')]).toEqual([404, 'application/problem+json']);
  const bare = await fetch(`${world.origin}/stocks`, { redirect: 'manual' });
  expect([bare.status, bare.headers.get('location')]).toEqual([308, '/stocks/']);
  expect((await fetch(`${world.origin}/healthz`)).status).toBe(200);
});
