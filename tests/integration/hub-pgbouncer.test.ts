/** PgBouncer in transaction mode, between the hub and its database: queries through it, LISTEN beside it. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { createWorld, expectClientsEqualRows, T0, watch, type World } from './hub-world.ts';

const installed = spawnSync('sh', ['-c', 'command -v pgbouncer']).status === 0;
let world: World;
let folder: string;
let bouncer: ChildProcess;

async function throughPgBouncer(url: string): Promise<string> {
  const target = new URL(url);
  const port = await new Promise<number>((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address() as AddressInfo;
      server.close(() => resolve(free));
    });
  });
  folder = await mkdtemp(join(tmpdir(), 'tapecast-pgbouncer-'));
  await chmod(folder, 0o755);
  const login = `user=${decodeURIComponent(target.username)} password=${decodeURIComponent(target.password)}`;
  await writeFile(
    join(folder, 'pgbouncer.ini'),
    `[databases]
* = host=${target.hostname} port=${target.port} ${login}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 4
ignore_startup_parameters = extra_float_digits,statement_timeout
`,
  );
  // It refuses to run as root.
  const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
  bouncer = spawn('pgbouncer', [...asUser, join(folder, 'pgbouncer.ini')], { stdio: 'ignore' });
  return Object.assign(target, { hostname: '127.0.0.1', port: String(port) }).href;
}

beforeAll(async () => {
  if (!installed) return;
  world = await createWorld({ route: throughPgBouncer, listenRoute: (url) => Promise.resolve(url) });
});
afterAll(async () => {
  // First, so that no connection of its pool is left when the database is dropped.
  if (bouncer !== undefined) {
    const ended = new Promise((resolve) => bouncer.once('exit', resolve));
    bouncer.kill('SIGKILL');
    await ended;
  }
  await world?.close();
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

it.skipIf(!installed)('a hub whose queries go through PgBouncer in transaction mode ends with the rows', async () => {
  const watchers = Array.from({ length: 5 }, () => watch(world.client(), 'MSFT', '1m'));
  await vi.waitFor(() => expect(watchers.every(({ snapshots }) => snapshots === 1)).toBe(true), { timeout: 10_000 });
  for (let minute = 0; minute < 60; minute += 1) await world.write('1m', 'MSFT', [[T0 + 60 * minute, minute + 1]]);
  await expectClientsEqualRows(world, watchers, 'MSFT', '1m');
  // Told by hints, not found by the sweep alone: LISTEN went around PgBouncer.
  expect(await world.metric('hints_lost_total')).toBe(0);
  expect(watchers.flatMap(({ changes }) => changes).length).toBeGreaterThan(0);
});
