/** The worst day: the database's volume is gone, and only a backup is left. */
import { expect, it } from 'vitest';
import { everything, stackDatabase } from './support/database.ts';
import { dockerOf, runningTasks, until, untilSettled } from './support/docker.ts';
import { expectRows, keepListening, untilConnected, withoutNews } from './support/listeners.ts';
import { ask, onStack, origin, world } from './support/outside.ts';
import { tapecast } from './support/operator.ts';
import { STACK } from './support/world.ts';

const docker = dockerOf(world.dockerHost);
const database = `${STACK}_timescaledb`;

const query = stackDatabase(docker);

onStack('the stack after a loss', () => {
  const listeners = keepListening(50);

  it('brings everything back from a backup, and every client to the rows', async () => {
    const epochBefore = await query('SELECT current_epoch();');
    const before = await withoutNews(async () => {
      // What was on its way is written: two looks say the same.
      let last = '';
      await until(
        'nothing is written any more',
        async () => {
          const now = await everything(query);
          const same = now === last;
          last = now;
          return same || 'still written';
        },
        { everyMs: 3_000 },
      );
      await docker(['service', 'scale', '--detach', `${STACK}_ingestor=0`, `${STACK}_forecaster=0`]);
      await untilSettled(docker, `${STACK}_ingestor`, 0);
      await untilSettled(docker, `${STACK}_forecaster`, 0);
      const rows = await everything(query);
      await tapecast(docker, ['backup']);
      return rows;
    });

    await docker(['service', 'scale', '--detach', `${database}=0`]);
    await untilSettled(docker, database, 0);
    await until('the volume can be removed', async () => {
      // Swarm keeps the containers of tasks that failed, and they hold it.
      const holders = await docker(['ps', '--all', '--quiet', '--filter', `volume=${STACK}_prices`]);
      for (const container of holders.split('\n').filter((id) => id !== '')) await docker(['rm', container]);
      await docker(['volume', 'rm', `${STACK}_prices`]);
      return true;
    });
    await docker(['service', 'scale', '--detach', `${database}=1`]);
    await untilSettled(docker, database, 1);
    await tapecast(docker, ['restore', '/backups']);
    await docker(['service', 'update', '--detach', '--force', `${STACK}_migrate`]);

    expect(await everything(query)).toBe(before);
    expect(await query('SELECT current_epoch();')).not.toBe(epochBefore);
    await until('REST answers again', async () => {
      const { status } = await ask(`${origin}/api/v1/tickers`);
      return status === 200 || `status ${status}`;
    });
    await docker(['service', 'scale', '--detach', `${STACK}_ingestor=2`, `${STACK}_forecaster=2`]);
    await untilSettled(docker, `${STACK}_ingestor`, 2);
    await untilSettled(docker, `${STACK}_forecaster`, 2);
    expect((await runningTasks(docker, `${STACK}_web`)).length).toBe(2);
    await untilConnected(listeners);
    await expectRows(docker, listeners);
  });
});
