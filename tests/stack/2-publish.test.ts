/** Releases as others get them: images from a registry, all of them by their digests. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { dockerOf } from './support/docker.ts';
import { onStack, world } from './support/outside.ts';
import { pinned } from './support/published.ts';
import { digestOf } from './support/registry.ts';
import { during, run } from './support/run.ts';
import { standIn } from './support/stand-ins.ts';
import { IMAGES, PUBLISHED, ROOT } from './support/world.ts';

const docker = dockerOf(world.dockerHost);
/** Of all images of others; the running stack needs those of stack.yml. */
const defaults = new Map<string, string>();
/** Images that were made here, as the engine names them in the registry. */
const mirrors: Record<string, string> = {};
const { registry } = world;

/** Where no registry was reached: what the tests put in an image's place, and some image for what this stack does not run. */
function madeHere(name: string): string | undefined {
  if (world.settings[name] !== undefined) return world.settings[name];
  if (world.settings['REDIS_IMAGE'] === undefined) return undefined;
  return standIn(name === 'NODE_IMAGE' ? 'node' : 'base');
}

onStack('with a registry', () => {
  beforeAll(async () => {
    const files = ['stack.yml', 'stack.tools.yml'].map((name) => readFile(join(world.deploy, name), 'utf8'));
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

  it('deploy/pin writes the digests that it has of all images of others', async () => {
    await during('deploy/pin', () => run(join(world.deploy, 'pin'), [], { env: { ...docker.env, ...mirrors } }));
    const images = await pinned();
    expect([...images.keys()].toSorted()).toEqual([...defaults.keys()].toSorted());
    for (const [name, image] of images) {
      const [tag = '', digest = ''] = image.split('@');
      expect(tag).toBe(mirrors[name] ?? defaults.get(name));
      expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
      if (mirrors[name] !== undefined)
        expect(digest, name).toBe(await digestOf(docker, registry, `mirror/${name.toLowerCase()}`, 'here'));
    }
  });

  it('deploy/build --push publishes all of our images', async () => {
    const node = (await pinned()).get('NODE_IMAGE') ?? '';
    const env = { REGISTRY: `${registry.address}/tapecast`, TAG: PUBLISHED, NODE_IMAGE: node, BUILD_NETWORK: 'host' };
    const said = await during('deploy/build --push', () =>
      run(join(ROOT, 'deploy', 'build'), ['--push'], { env: { ...docker.env, ...env } }),
    );
    for (const name of IMAGES) {
      expect(said).toContain(`${registry.address}/tapecast/${name}:${PUBLISHED} `);
      expect(await digestOf(docker, registry, `tapecast/${name}`, PUBLISHED)).toMatch(/^sha256:/);
    }
  });
});
