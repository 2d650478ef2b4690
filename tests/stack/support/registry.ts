/** A registry on the engine: at 127.0.0.1, where engines ask for no TLS. */
import { type Docker, until } from './docker.ts';

export interface Registry {
  /** As the engine names it in images. */
  readonly address: string;
  /** @returns digest of the manifest that the tag names now */
  digest(repository: string, tag: string): Promise<string>;
  close(): Promise<void>;
}

const DATA = '/var/lib/registry';

export async function startRegistry(docker: Docker, image: string): Promise<Registry> {
  const container = (await docker(['run', '--detach', '--publish', '127.0.0.1::5000', '--volume', DATA, image])).trim();
  const close = async () => {
    await docker(['rm', '--force', '--volumes', container]);
  };
  try {
    const address = (await docker(['port', container, '5000/tcp'])).trim().split('\n')[0] ?? '';
    await until('the registry answers', () =>
      docker(['pull', `${address}/nothing:none`]).then(
        () => 'it has nothing',
        (error: unknown) => /not found|manifest unknown/.test(String(error)) || String(error),
      ),
    );
    return {
      address,
      close,
      digest: async (repository, tag) => {
        const link = `${DATA}/docker/registry/v2/repositories/${repository}/_manifests/tags/${tag}/current/link`;
        return (await docker(['exec', container, 'cat', link])).trim();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
