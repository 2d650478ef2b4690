/** `docker service scale` and updates while 300 clients listen. */
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { dockerOf, runningTasks, until, untilSettled } from './support/docker.ts';
import { expectRows, keepListening, servedTimes, untilConnected, type Listener } from './support/listeners.ts';
import { settingsNow } from './support/operator.ts';
import { ask, onStack, origin, world } from './support/outside.ts';
import { deploy, STACK } from './support/world.ts';

interface Local {
  services: { web: { image?: string } };
}

const CLIENTS = 300;
const docker = dockerOf(world.dockerHost);
let listeners: Listener[] = [];

async function scale(replicas: Record<string, number>): Promise<void> {
  const entries = Object.entries(replicas);
  await docker(['service', 'scale', '--detach', ...entries.map(([name, count]) => `${STACK}_${name}=${count}`)]);
  for (const [name, count] of entries) await untilSettled(docker, `${STACK}_${name}`, count);
}

async function expectAllExact(): Promise<void> {
  await untilConnected(listeners);
  await expectRows(docker, listeners);
}

/** A copy of an image that is in use, with something more. */
async function derive(service: string, tag: string, lines: string[]): Promise<void> {
  const recipe = [`FROM tapecast/${service}:latest`, ...lines].join('\n');
  await docker(['build', '--quiet', '--tag', `tapecast/${service}:${tag}`, '-'], { input: recipe });
}

/** Swarm says how an update went. */
function untilUpdated(service: string, state: string): Promise<void> {
  const format = '{{if .UpdateStatus}}{{.UpdateStatus.State}}: {{.UpdateStatus.Message}}{{end}}';
  return until(
    `the update of ${service} comes to ${state}`,
    async () => {
      const said = (await docker(['service', 'inspect', '--format', format, service])).trim();
      return said.startsWith(`${state}:`) || said;
    },
    { timeoutMs: 480_000 },
  );
}

onStack('the stack in change', () => {
  listeners = keepListening(CLIENTS);

  it('scaled up and down, polls nothing twice and loses nothing', async () => {
    const begun = Date.now() / 1_000;
    await scale({ web: 4, ingestor: 3, forecaster: 4 });
    await expectAllExact();
    await scale({ web: 2, ingestor: 2, forecaster: 2 });
    await expectAllExact();
    const elapsed = Date.now() / 1_000 - begun;
    for (const ticker of world.tickers) {
      const polls = (await servedTimes(ticker)).filter((time) => time >= begun).length;
      expect(polls, `polls of ${ticker} in ${Math.round(elapsed)} s`).toBeGreaterThan(0);
      expect(polls, `polls of ${ticker} in ${Math.round(elapsed)} s`).toBeLessThanOrEqual(
        elapsed / world.pollSeconds + 2,
      );
    }
  });

  describe('an update of web', () => {
    it('goes to another image under load, and every client keeps exactly the rows', async () => {
      for (const service of ['web', 'ingestor', 'forecaster', 'cli', 'backup'])
        await derive(service, 'next', ['LABEL test.release=next']);
      const before = await runningTasks(docker, `${STACK}_web`);
      await deploy(docker, world.deploy, { ...world.settings, TAG: 'next' });
      await untilUpdated(`${STACK}_web`, 'completed');
      await untilSettled(docker, `${STACK}_web`, before.length);
      const after = await runningTasks(docker, `${STACK}_web`);
      for (const { image } of after) expect(image).toContain('tapecast/web:next');
      await expectAllExact();
    });

    it('whose health check fails is rolled back by itself, and deploy/up fails with its name', async () => {
      const unfit = ['HEALTHCHECK --interval=1s --timeout=5s --start-period=1s --retries=2 CMD ["false"]'];
      await derive('web', 'unfit', unfit);
      const before = await runningTasks(docker, `${STACK}_web`);
      // A release of which this one image is bad.
      const folder = join(world.folder, 'unfit');
      await cp(world.deploy, folder, { recursive: true });
      const local = parse(await readFile(join(folder, 'stack.local.yml'), 'utf8')) as Local;
      local.services.web.image = 'tapecast/web:unfit';
      await writeFile(join(folder, 'stack.local.yml'), JSON.stringify(local));
      await expect(deploy(docker, folder, await settingsNow(docker))).rejects.toThrow(
        /Swarm went back to what ran before: tapecast_web .*docker service ps --no-trunc NAME/,
      );
      await untilUpdated(`${STACK}_web`, 'rollback_completed');
      await untilSettled(docker, `${STACK}_web`, 2);
      const after = await runningTasks(docker, `${STACK}_web`);
      expect(after.map(({ image }) => image)).toEqual(before.map(({ image }) => image));
      expect((await ask(`${origin}/api/v1/tickers`)).status).toBe(200);
      await expectAllExact();
    });
  });
});
