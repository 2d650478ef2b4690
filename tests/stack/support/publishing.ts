/** Releases as others get them: images in a registry. Packing them takes a core and is needed late, so it goes beside what waits. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Docker } from './docker.ts';
import { world } from './outside.ts';
import { pinned } from './published.ts';
import { during, run } from './run.ts';
import { standIn } from './stand-ins.ts';
import { PUBLISHED, ROOT } from './world.ts';

export interface Published {
  /** Image variables of all that is others', with what the files of deploy/ say where they are not set. */
  readonly defaults: ReadonlyMap<string, string>;
  /** Of images that were made here: as the engine names them in the registry. */
  readonly mirrors: Readonly<Record<string, string>>;
  /** What deploy/build --push printed. */
  readonly said: string;
}

let work: Promise<Published> | undefined;

/** Begins with the first call: all test files share this process (vitest.config.ts). After a failure the next call tries again. */
export function publishing(docker: Docker): Promise<Published> {
  if (work === undefined) {
    work = publish(docker);
    work.catch(() => (work = undefined));
  }
  return work;
}

async function publish(docker: Docker): Promise<Published> {
  const defaults = await imagesOfOthers();
  const mirrors: Record<string, string> = {};
  // One after the other: a layer that they share is packed once, where side by side each packs it.
  await during('Publishing what stands in for images of others', async () => {
    for (const name of defaults.keys()) {
      const image = madeHere(name);
      if (image === undefined) continue;
      const mirror = `${world.registry.address}/mirror/${name.toLowerCase()}:here`;
      await docker(['tag', image, mirror]);
      await docker(['push', '--quiet', mirror]);
      mirrors[name] = mirror;
    }
  });
  await during('deploy/pin', () => run(join(world.deploy, 'pin'), [], { env: { ...docker.env, ...mirrors } }));
  const node = (await pinned()).get('NODE_IMAGE') ?? '';
  const registry = `${world.registry.address}/tapecast`;
  const env = { ...docker.env, REGISTRY: registry, TAG: PUBLISHED, NODE_IMAGE: node, BUILD_NETWORK: 'host' };
  const said = await during('deploy/build --push', () => run(join(ROOT, 'deploy', 'build'), ['--push'], { env }));
  return { defaults, mirrors, said };
}

async function imagesOfOthers(): Promise<Map<string, string>> {
  const defaults = new Map<string, string>();
  const files = ['stack.yml', 'stack.tools.yml'].map((name) => readFile(join(world.deploy, name), 'utf8'));
  for (const text of await Promise.all(files))
    for (const [, name = '', image = ''] of text.matchAll(/\$\{(\w+_IMAGE):-([^}]+)\}/g)) defaults.set(name, image);
  return defaults.set('NODE_IMAGE', 'node:24-bookworm-slim');
}

/** Where no registry was reached: what the tests put in an image's place, and some image for what this stack does not run. */
function madeHere(name: string): string | undefined {
  if (world.settings[name] !== undefined) return world.settings[name];
  if (world.settings['REDIS_IMAGE'] === undefined) return undefined;
  return standIn(name === 'NODE_IMAGE' ? 'node' : 'base');
}
