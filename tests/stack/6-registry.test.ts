/** Releases as others get them: images from a registry, all of them by their digests. */
import { cp, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { dockerOf, runningTasks } from './support/docker.ts';
import { expectRows, keepListening, untilConnected } from './support/listeners.ts';
import { ask, onStack, origin, world } from './support/outside.ts';
import { startRegistry, type Registry } from './support/registry.ts';
import { during, run } from './support/run.ts';
import { newestSet } from './support/secrets.ts';
import { standIn } from './support/stand-ins.ts';
import { IMAGES, ROOT, STACK } from './support/world.ts';

const docker = dockerOf(world.dockerHost);
/** A copy, so that what deploy/pin writes is not the checkout's. */
const DEPLOY = join(world.folder, 'deploy');
const TAG = 'published';
/** Of all images of others; the running stack needs those of stack.yml. */
const defaults = new Map<string, string>();
/** Images that were made here, as the engine names them in the registry. */
const mirrors: Record<string, string> = {};
let registry: Registry;

/** Where no registry was reached: what the tests put in an image's place, and some image for what this stack does not run. */
function madeHere(name: string): string | undefined {
  if (world.settings[name] !== undefined) return world.settings[name];
  if (world.settings['REDIS_IMAGE'] === undefined) return undefined;
  return standIn(name === 'NODE_IMAGE' ? 'node' : 'base');
}

async function pinned(): Promise<Map<string, string>> {
  const text = await readFile(join(DEPLOY, 'images.env'), 'utf8');
  const lines = [...text.matchAll(/^(\w+)="\$\{\1:-(\S+)\}"$/gm)];
  return new Map(lines.map(([, name = '', image = '']) => [name, image]));
}

onStack('with a registry', () => {
  const listeners = keepListening(20);
  beforeAll(async () => {
    const copied = new Set(['secrets', '.env', 'images.env']);
    await cp(join(ROOT, 'deploy'), DEPLOY, { recursive: true, filter: (path) => !copied.has(basename(path)) });
    registry = await startRegistry(docker, world.registry);
    const files = ['stack.yml', 'stack.tools.yml'].map((name) => readFile(join(DEPLOY, name), 'utf8'));
    for (const text of await Promise.all(files))
      for (const [, name = '', image = ''] of text.matchAll(/\$\{(\w+_IMAGE):-([^}]+)\}/g)) defaults.set(name, image);
    defaults.set('NODE_IMAGE', 'node:24-bookworm-slim');
    // One after the other: a layer that they share is packed once, where side by side each packs it.
    await during('Publishing what stands in for images of others', async () => {
      for (const name of defaults.keys()) {
        const image = madeHere(name);
        if (image === undefined) continue;
        const mirror = `${registry.address}/mirror/${name.toLowerCase()}:here`;
        await docker(['tag', image, mirror]);
        await docker(['push', '--quiet', mirror]);
        mirrors[name] = mirror;
      }
    });
  });
  afterAll(async () => {
    await registry?.close();
  });

  it('deploy/pin writes the digests that it has of all images of others', async () => {
    await during('deploy/pin', () => run(join(DEPLOY, 'pin'), [], { env: { ...docker.env, ...mirrors } }));
    const images = await pinned();
    expect([...images.keys()].toSorted()).toEqual([...defaults.keys()].toSorted());
    for (const [name, image] of images) {
      const [tag = '', digest = ''] = image.split('@');
      expect(tag).toBe(mirrors[name] ?? defaults.get(name));
      expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      if (mirrors[name] !== undefined)
        expect(digest, name).toBe(await registry.digest(`mirror/${name.toLowerCase()}`, 'here'));
    }
  });

  it('deploy/build --push publishes all of our images', async () => {
    const node = (await pinned()).get('NODE_IMAGE') ?? '';
    const env = { REGISTRY: `${registry.address}/tapecast`, TAG, NODE_IMAGE: node, BUILD_NETWORK: 'host' };
    const said = await during('deploy/build --push', () =>
      run(join(ROOT, 'deploy', 'build'), ['--push'], { env: { ...docker.env, ...env } }),
    );
    for (const name of IMAGES) {
      expect(said).toContain(`${registry.address}/tapecast/${name}:${TAG} `);
      expect(await registry.digest(`tapecast/${name}`, TAG)).toMatch(/^sha256:/);
    }
  });

  it('deploy/up brings the stack to these digests, and every client keeps the rows', async () => {
    const images = await pinned();
    // Nothing of it is left on the node, which has to ask the registry.
    const local = [...IMAGES.map((name) => `${registry.address}/tapecast/${name}:${TAG}`), ...Object.values(mirrors)];
    for (const image of local) await docker(['rmi', image]).catch(() => undefined); // a second try has none
    // Neither images nor `RESOLVE_IMAGE: never`: images.env tells the ones, and the registry the digests of ours.
    const others = Object.entries(world.settings).filter(([name]) => !name.endsWith('_IMAGE'));
    const env = {
      ...docker.env,
      ...Object.fromEntries(others),
      REGISTRY: `${registry.address}/tapecast`,
      TAG,
      SECRETS: String(await newestSet(docker)),
    };
    await during('deploy/up', () => run(join(DEPLOY, 'up'), [], { env }));

    const expected = new Map<string, string>();
    for (const [service, name] of [
      ['traefik', 'TRAEFIK_IMAGE'],
      ['docker-api', 'HAPROXY_IMAGE'],
      ['timescaledb', 'TIMESCALEDB_IMAGE'],
      ['redis', 'REDIS_IMAGE'],
    ] as const)
      expected.set(service, images.get(name) ?? '');
    for (const service of ['web', 'ingestor', 'forecaster', 'backup']) {
      const digest = await registry.digest(`tapecast/${service}`, TAG);
      expected.set(service, `${registry.address}/tapecast/${service}:${TAG}@${digest}`);
    }
    for (const [service, image] of expected) {
      const tasks = await runningTasks(docker, `${STACK}_${service}`);
      expect(tasks.length, service).toBeGreaterThan(0);
      for (const task of tasks) expect(task.image).toBe(image);
    }
    expect((await ask(`${origin}/api/v1/tickers`)).status).toBe(200);
    await untilConnected(listeners);
    await expectRows(docker, listeners);
  });
});
