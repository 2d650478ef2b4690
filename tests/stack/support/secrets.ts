/** The stack's secrets: their names end with the number of their set. */
import type { Docker } from './docker.ts';
import { STACK } from './world.ts';

/** Names of all that Docker has, by their sets. */
export async function secretSets(docker: Docker): Promise<Map<number, string[]>> {
  const sets = new Map<number, string[]>();
  for (const name of (await docker(['secret', 'ls', '--format', '{{.Name}}'])).split('\n')) {
    const number = name.startsWith(`${STACK}_`) ? /_(\d+)$/.exec(name)?.[1] : undefined;
    if (number !== undefined) sets.set(Number(number), [...(sets.get(Number(number)) ?? []), name]);
  }
  return sets;
}

/** Of the set made last, which the services use. */
export async function newestSet(docker: Docker): Promise<number> {
  return Math.max(...(await secretSets(docker)).keys());
}
