/** Releases as others get them: images from a registry, all of them by their digests. */
import { expect, it } from 'vitest';
import { dockerOf } from './support/docker.ts';
import { onStack, world } from './support/outside.ts';
import { pinned } from './support/published.ts';
import { publishing } from './support/publishing.ts';
import { digestOf } from './support/registry.ts';
import { IMAGES, PUBLISHED } from './support/world.ts';

const docker = dockerOf(world.dockerHost);
const { registry } = world;

onStack('with a registry', () => {
  it('deploy/pin writes the digests that it has of all images of others', async () => {
    const { defaults, mirrors } = await publishing(docker);
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
    const { said } = await publishing(docker);
    for (const name of IMAGES) {
      expect(said).toContain(`${registry.address}/tapecast/${name}:${PUBLISHED} `);
      expect(await digestOf(docker, registry, `tapecast/${name}`, PUBLISHED)).toMatch(/^sha256:/);
    }
  });
});
