/** The same images and definitions on one host without Swarm, in the stack's place. */
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { z } from 'zod';
import { installPrograms } from './support/cannot-run.ts';
import { dockerOf, until } from './support/docker.ts';
import { listenMany, untilConnected, type Listener } from './support/listeners.ts';
import { ask, onStack, origin, world } from './support/outside.ts';
import { run } from './support/run.ts';
import { removeStack } from './support/swarm.ts';
import { deploy, DNS_01, ROOT, STACK } from './support/world.ts';

const docker = dockerOf(world.dockerHost);
const PROJECT = `${STACK}_compose`;
// What Swarm's secrets are, and stack.local.yml, are files here: the login of the DNS provider is one.
const settings = { ...world.settings, ...DNS_01, STACK: PROJECT };
const label = `label=com.docker.compose.project=${PROJECT}`;
let listeners: Listener[] = [];

/** How often a proof of the dashboard's name was read. */
async function proofs(): Promise<number> {
  const names = z.array(z.string()).parse(await (await fetch(`${world.nameProvider}/proven`)).json());
  return names.filter((name) => name === world.domain).length;
}

async function containers(): Promise<string[]> {
  const list = await docker(['ps', '--quiet', '--no-trunc', '--filter', label]);
  return list
    .split('\n')
    .filter((id) => id !== '')
    .toSorted();
}

onStack('without Swarm', () => {
  beforeAll(async () => {
    const plugin = await docker(['compose', 'version']).catch(() => '');
    if (!plugin.includes('ompose version')) await installPrograms([['docker-compose', 'docker-compose']]);
    await removeStack(docker, STACK);
  });
  afterAll(async () => {
    for (const { client } of listeners) client.close();
    const left = (await docker(['ps', '--all', '--quiet', '--filter', label])).split('\n').filter((id) => id !== '');
    if (left.length > 0) await docker(['rm', '--force', '--volumes', ...left]);
    for (const kind of ['network', 'volume']) {
      const ids = (await docker([kind, 'ls', '--quiet', '--filter', label])).split('\n').filter((id) => id !== '');
      if (ids.length > 0) await docker([kind, 'rm', ...ids]);
    }
  });

  it('deploy/up --compose brings it to https, with live prices, and changes nothing the second time', async () => {
    const proven = await proofs();
    const said = await deploy(docker, world.deploy, settings, '--compose');
    const [, user = '', password = ''] = /user (\S+), password (\S+)/.exec(said) ?? [];
    // The certificate is asked for when the first container with that name is seen.
    await until('the edge shows the page', async () => {
      const { status } = await ask(`${origin}/`);
      return status === 200 || `status ${status}`;
    });
    expect(await proofs()).toBeGreaterThan(proven);
    const tickers = await ask(`${origin}/api/v1/tickers`);
    for (const ticker of world.tickers) expect(tickers.body).toContain(`"${ticker}"`);
    const web = await docker(['ps', '--quiet', '--filter', label, '--filter', 'label=com.docker.compose.service=web']);
    expect(web.trim().split('\n')).toHaveLength(2);
    const url = `https://traefik.${world.domain}/api/overview`;
    const login = Buffer.from(`${user}:${password}`).toString('base64');
    await until('the operators’ router is there', async () => (await ask(url)).status === 401 || 'not yet');
    expect((await ask(url, { authorization: `Basic ${login}` })).status).toBe(200);
    listeners = listenMany(20);
    await untilConnected(listeners);

    const before = await containers();
    await deploy(docker, world.deploy, settings, '--compose');
    const after = await containers();
    expect(after.filter((id) => before.includes(id))).toEqual(before);
    expect(listeners.map((listener) => listener.losses())).toEqual(listeners.map(() => 0));
  });

  it('deploy/tapecast works beside it', async () => {
    const env = { ...docker.env, STACK: PROJECT };
    const list = await run(join(ROOT, 'deploy', 'tapecast'), ['tickers', 'list'], { env });
    for (const ticker of world.tickers) expect(list).toContain(ticker);
  });
});
