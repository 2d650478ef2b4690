/** A swarm of one node, for one stack. */
import { until, type Docker } from './docker.ts';
import { say } from './run.ts';

/** @param advertised where other nodes reach it @returns this machine's address on the bridge that connects services with it */
export async function startSwarm(docker: Docker, advertised: string): Promise<string> {
  await docker(['swarm', 'init', '--advertise-addr', advertised]);
  const format = '{{(index .IPAM.Config 0).Gateway}}';
  let address = '';
  // The engine makes it a moment after the swarm.
  await until('the bridge to services is there', async () => {
    address = (await docker(['network', 'inspect', '--format', format, 'docker_gwbridge'])).trim();
    return address !== '' || 'it has no address';
  });
  return address;
}

/** The stack with its data: the next one has other passwords. */
export async function removeStack(docker: Docker, stack: string): Promise<void> {
  const label = `label=com.docker.stack.namespace=${stack}`;
  const list = async (...args: string[]) =>
    (await docker([...args, '--quiet', '--filter', label])).split('\n').filter((id) => id !== '');
  await docker(['stack', 'rm', stack]);
  // It returns before tasks have ended, and networks go after them. Nobody listens any more for whom tasks would take their time to
  // end, and what a job leaves stays until somebody removes it.
  await until('the stack is gone', async () => {
    const tasks = await list('ps', '--all');
    if (tasks.length > 0) await docker(['rm', '--force', ...tasks]);
    const left = [...(await list('ps', '--all')), ...(await list('network', 'ls'))];
    return left.length === 0 || `${left.length} containers and networks are left`;
  });
  const volumes = await list('volume', 'ls');
  if (volumes.length > 0) await docker(['volume', 'rm', ...volumes]);
}

/** For an engine that lives on. */
export async function endSwarm(docker: Docker, stack: string): Promise<void> {
  await removeStack(docker, stack).catch((error: unknown) =>
    say(`Something of the stack was left behind: ${error instanceof Error ? error.message : String(error)}`),
  );
  await docker(['swarm', 'leave', '--force']);
  await docker(['network', 'rm', 'docker_gwbridge']).catch(() => undefined); // whoever has other containers on it keeps it
}
