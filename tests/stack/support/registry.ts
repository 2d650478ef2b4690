/** A registry on the engine, where engines ask for no TLS: at 127.0.0.1, or on the tests' own network. */
import { type Docker, until } from './docker.ts';

/** Plain data, for tests in other processes. */
export interface Registry {
  /** As engines name it in images. */
  readonly address: string;
  readonly container: string;
}

const DATA = '/var/lib/registry';

/** @param address of the engine, for other nodes */
export async function startRegistry(docker: Docker, image: string, address = '127.0.0.1'): Promise<Registry> {
  const container = (
    await docker(['run', '--detach', '--publish', `${address}::5000`, '--volume', DATA, image])
  ).trim();
  const published = (await docker(['port', container, '5000/tcp'])).trim().split('\n')[0] ?? '';
  await until('the registry answers', () =>
    docker(['pull', `${published}/nothing:none`]).then(
      () => 'it has nothing',
      (error: unknown) => /not found|manifest unknown/.test(String(error)) || String(error),
    ),
  );
  return { address: published, container };
}

/** @returns digest of the manifest that the tag names now */
export async function digestOf(docker: Docker, registry: Registry, repository: string, tag: string): Promise<string> {
  const link = `${DATA}/docker/registry/v2/repositories/${repository}/_manifests/tags/${tag}/current/link`;
  return (await docker(['exec', registry.container, 'cat', link])).trim();
}
