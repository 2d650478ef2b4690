/** What an operator does with the running stack, by the commands of deploy/README.md. */
import { join } from 'node:path';
import { runningTasks, type Docker } from './docker.ts';
import { world } from './outside.ts';
import { run } from './run.ts';
import { newestSet } from './secrets.ts';
import { QUICK_LEAVE, STACK } from './world.ts';

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

/** Settings under which deploy/up changes nothing: the release, the secrets and what else was set for those that run. */
export async function settingsNow(docker: Docker): Promise<Record<string, string>> {
  const [web] = await runningTasks(docker, `${STACK}_web`);
  const TAG = web?.image.split(':')[1] ?? '';
  const set: Record<string, string> = {};
  for (const [service, names] of Object.entries(SET_LATER)) {
    const environment = await docker(['service', 'inspect', '--format', ENVIRONMENT, `${STACK}_${service}`]);
    for (const name of names) set[name] = new RegExp(`^${name}=(.*)$`, 'm').exec(environment)?.[1] ?? '';
  }
  return { ...world.settings, ...set, TAG, SECRETS: String(await newestSet(docker)) };
}
const SET_LATER = { traefik: ['ACME_DNS_PROVIDER'], web: Object.keys(QUICK_LEAVE) };
const ENVIRONMENT = '{{range .Spec.TaskTemplate.ContainerSpec.Env}}{{println .}}{{end}}';

/** What a service's task holds below /run/secrets. */
export async function secretOf(docker: Docker, service: string, name: string): Promise<string> {
  const [task] = await runningTasks(docker, `${STACK}_${service}`);
  return (await docker(['exec', task?.container ?? '', 'cat', `/run/secrets/${name}`])).trim();
}
