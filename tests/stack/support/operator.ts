/** What an operator does with the running stack, by the commands of deploy/README.md. */
import { join } from 'node:path';
import { runningTasks, type Docker } from './docker.ts';
import { world } from './outside.ts';
import { run } from './run.ts';
import { newestSet } from './secrets.ts';
import { STACK } from './world.ts';

interface Login {
  user: string;
  password: string;
}

let login: Login = world.operator;

/** @returns what an operator's browser says to the edge */
export function authorization({ user, password }: Login = login): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
}

/** For the test files after this one: they share this process (vitest.config.ts). */
export function takeLogin(changed: Login): void {
  login = changed;
}

/** `deploy/tapecast …args` */
export function tapecast(docker: Docker, args: string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  return run(join(world.deploy, 'tapecast'), args, { env: { ...docker.env, ...env } });
}

/** Settings under which deploy/up changes nothing: the release and the secrets that run. */
export async function settingsNow(docker: Docker): Promise<Record<string, string>> {
  const [web] = await runningTasks(docker, `${STACK}_web`);
  const TAG = web?.image.split(':')[1] ?? '';
  const provider = await docker(['service', 'inspect', '--format', ENVIRONMENT, `${STACK}_traefik`]);
  const [, ACME_DNS_PROVIDER = ''] = /^ACME_DNS_PROVIDER=(.*)$/m.exec(provider) ?? [];
  return { ...world.settings, TAG, SECRETS: String(await newestSet(docker)), ACME_DNS_PROVIDER };
}
const ENVIRONMENT = '{{range .Spec.TaskTemplate.ContainerSpec.Env}}{{println .}}{{end}}';

/** What a service's task holds below /run/secrets. */
export async function secretOf(docker: Docker, service: string, name: string): Promise<string> {
  const [task] = await runningTasks(docker, `${STACK}_${service}`);
  return (await docker(['exec', task?.container ?? '', 'cat', `/run/secrets/${name}`])).trim();
}
