/** The life of a service, seen from outside: a real process, real signals. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { afterEach, expect, it } from 'vitest';

const children: ReturnType<typeof spawn>[] = [];
afterEach(() => {
  for (const child of children.splice(0)) if (child.exitCode === null) child.kill('SIGKILL');
});

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

function run(start: string, port: number): { child: ReturnType<typeof spawn>; output: () => string } {
  const service = new URL('./service.ts', import.meta.url).href;
  const script = `import { runService } from '${service}';
    await runService({ name: 'probe', metricsPort: ${port}, start: async (context) => { ${start} } });`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  children.push(child);
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output };
}

async function fetchUntil(url: string): Promise<Response> {
  for (let attempt = 0; ; attempt++) {
    try {
      return await fetch(url);
    } catch (error) {
      if (attempt > 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

it('tells health and readiness apart, gives metrics, and stops on SIGTERM', async () => {
  const port = await freePort();
  const { child, output } = run(
    `return { ready: () => ['the database is away'], stop: async () => console.log('stopped well') };`,
    port,
  );
  expect((await fetchUntil(`http://127.0.0.1:${port}/healthz`)).status).toBe(200);
  let ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  while (((await ready.clone().json()) as { reasons: string[] }).reasons[0] === 'starting')
    ready = await fetch(`http://127.0.0.1:${port}/readyz`);
  expect(ready.status).toBe(503);
  expect(await ready.json()).toEqual({ ready: false, reasons: ['the database is away'] });
  expect(await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()).toContain('process_cpu_seconds_total');
  child.kill('SIGTERM');
  await once(child, 'exit');
  expect(output()).toContain('stopped well');
  expect(child.exitCode).toBe(0);
});

it('has started once it was ready, whatever it misses afterwards', async () => {
  const port = await freePort();
  const { output } = run(
    `const asked = [['first'], [], ['later']];
     return { ready: () => asked.shift() ?? ['later'], stop: async () => undefined };`,
    port,
  );
  const ask = async (path: string) => (await fetchUntil(`http://127.0.0.1:${port}${path}`)).status;
  while (!output().includes('started')) await new Promise((resolve) => setTimeout(resolve, 20));
  expect([await ask('/startupz'), await ask('/startupz'), await ask('/startupz')]).toEqual([503, 200, 200]);
  expect(await ask('/readyz')).toBe(503);
});

it('is fit before it is ready, where the service says so', async () => {
  const port = await freePort();
  run(`return { ready: () => ['a year of history'], unfit: () => [], stop: async () => undefined };`, port);
  const ask = async (path: string) => (await fetchUntil(`http://127.0.0.1:${port}${path}`)).status;
  while ((await ask('/startupz')) !== 200) await new Promise((resolve) => setTimeout(resolve, 20));
  expect(await ask('/readyz')).toBe(503);
});

it('ends with 1 and the reason when it cannot start', async () => {
  const { child, output } = run(`throw new Error('no such host');`, await freePort());
  await once(child, 'exit');
  expect(child.exitCode).toBe(1);
  expect(output()).toContain('no such host');
});
