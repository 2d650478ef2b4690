/** Sockets live for days; and what serves them may die. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { dockerOf, runningTasks, until, untilSettled } from './support/docker.ts';
import { expectRows, untilConnected } from './support/listeners.ts';
import { endLongLived, longLived } from './support/long-lived.ts';
import { onStack, world } from './support/outside.ts';
import { STACK } from './support/world.ts';

const IDLE_MS = 125_000;
const docker = dockerOf(world.dockerHost);

onStack('sockets', () => {
  afterAll(async () => {
    if (world.cannotRun === null) await endLongLived();
  });

  it('a busy and an idle one are kept for more than two minutes, through all that came before', async () => {
    const { busy, idle, idleLosses, since } = await longLived();
    await sleep(Math.max(0, since + IDLE_MS - Date.now()));
    expect(idleLosses()).toBe(0);
    expect(idle.connected).toBe(true);
    expect(busy.losses()).toBe(0);
    expect(busy.client.connection.state).toBe('connected');
    await expectRows(docker, [busy]);
  });

  describe('a killed task of', () => {
    it.each(['web', 'traefik'])('%s is replaced, and its clients come back to the rows', async (name) => {
      const { busy } = await longLived();
      const service = `${STACK}_${name}`;
      const before = await runningTasks(docker, service);
      const [victim] = before;
      await docker(['kill', '--signal', 'KILL', victim?.container ?? '']);
      await until(`${service} has a new task`, async () => {
        const now = await runningTasks(docker, service);
        return (now.length === before.length && now.every(({ id }) => id !== victim?.id)) || `${now.length} run`;
      });
      await untilSettled(docker, service, before.length);
      await untilConnected([busy]);
      await expectRows(docker, [busy]);
    });
  });
});
