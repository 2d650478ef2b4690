/** The engine's command line, as the tests use it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { run, type RunOptions } from './run.ts';

export interface Docker {
  readonly env: NodeJS.ProcessEnv;
  /** `docker …args` */
  (args: readonly string[], options?: RunOptions): Promise<string>;
}

export function dockerOf(host: string): Docker {
  // The engine builds: a builder beside it, which somebody may have chosen, does not know the engine's images.
  const env = { ...process.env, DOCKER_HOST: host, BUILDX_BUILDER: 'default' };
  const call = (args: readonly string[], options: RunOptions = {}) => run('docker', args, { env, ...options });
  return Object.assign(call, { env });
}

export interface Task {
  id: string;
  /** Of its container; empty before there is one. */
  container: string;
  image: string;
  /** `running`, `failed`, `shutdown` … */
  state: string;
  desired: string;
}

/** All tasks of a service that Swarm still knows, the newest first. */
export async function tasksOf(docker: Docker, service: string): Promise<Task[]> {
  const ids = await docker(['service', 'ps', '--quiet', '--no-trunc', service]);
  const list = ids.split('\n').filter((id) => id !== '');
  if (list.length === 0) return [];
  const format =
    '{{.ID}}|{{if .Status.ContainerStatus}}{{.Status.ContainerStatus.ContainerID}}{{end}}|{{.Spec.ContainerSpec.Image}}|{{.Status.State}}|{{.DesiredState}}';
  const text = await docker(['inspect', '--type', 'task', '--format', format, ...list]);
  return text
    .trim()
    .split('\n')
    .map((line) => {
      const [id = '', container = '', image = '', state = '', desired = ''] = line.split('|');
      return { id, container, image, state, desired };
    });
}

export async function runningTasks(docker: Docker, service: string): Promise<Task[]> {
  const tasks = await tasksOf(docker, service);
  return tasks.filter(({ state, desired }) => state === 'running' && desired === 'running');
}

/** Waits until `condition` holds. @throws with what it last said */
export async function until(
  what: string,
  condition: () => Promise<true | string>,
  options: { timeoutMs?: number; everyMs?: number } = {},
): Promise<void> {
  const deadline = Date.now() + (options.timeoutMs ?? 240_000);
  for (;;) {
    const said = await condition().catch((error: unknown) => (error instanceof Error ? error.message : String(error)));
    if (said === true) return;
    if (Date.now() > deadline) throw new Error(`It did not come to this: ${what}. Last seen: ${said}`);
    await sleep(options.everyMs ?? 500);
  }
}

/** So many tasks of the service run, healthy, and no other is on its way in or out. */
export function untilSettled(docker: Docker, service: string, replicas: number): Promise<void> {
  return until(`${service} runs ${replicas} tasks`, async () => {
    const tasks = await tasksOf(docker, service);
    const running = tasks.filter(({ state, desired }) => state === 'running' && desired === 'running');
    const moving = tasks.filter(
      ({ state, desired }) => desired !== 'running' && ['running', 'starting', 'ready', 'preparing'].includes(state),
    );
    if (running.length === replicas && moving.length === 0) return true;
    return `${running.length} running, ${moving.length} ending`;
  });
}
