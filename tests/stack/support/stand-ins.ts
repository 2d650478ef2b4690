/**
 * Images for a machine that reaches no registry: the same programs, from Debian and from npm, below the names that the image
 * variables of deploy/ are pointed at. What is put in another's place is said with its version.
 */
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Docker } from './docker.ts';
import { installPrograms, orCannotRun } from './cannot-run.ts';
import { during, run } from './run.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const RECIPES = join(import.meta.dirname, '..', 'stand-ins');
const MIRROR = 'http://deb.debian.org/debian';
const OF_ITS_OWN = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

export const standIn = (name: string): string => `tapecast-stand-in/${name}`;

/** Debian's base, and on it Node and the servers; and the product. @returns what stands in for what, for the summary */
export async function buildWithStandIns(docker: Docker, folder: string): Promise<string[]> {
  await base(docker, folder);
  // One waits for apt, the other for npm.
  await Promise.all([
    servers(docker),
    node(docker, folder).then(() => buildProduct(docker, 'latest', standIn('node'))),
  ]);
  const version = async (image: string, program: string, argument: string) => {
    const quietly = ['run', '--rm', '--network', 'none', '--entrypoint', program];
    const said = await docker([...quietly, standIn(image), argument]);
    return said.trim().split('\n')[0]?.split(' sha=')[0] ?? '';
  };
  return Promise.all([
    version('node', 'node', '--version').then((said) => `Debian with Node ${said} for node:24-bookworm-slim`),
    version('postgres', 'postgres', '--version').then((said) => `${said}, without the extension, for TimescaleDB`),
    version('redis', 'redis-server', '--version').then((said) => `Debian's ${said} for redis`),
    version('haproxy', 'haproxy', '-v').then((said) => `Debian's ${said} for haproxy`),
    version('prometheus', 'prometheus', '--version').then((said) => `Debian's ${said} for prom/prometheus`),
    version('node-exporter', 'prometheus-node-exporter', '--version').then(
      (said) => `Debian's ${said} for prom/node-exporter`,
    ),
    version('registry', 'docker-registry', '--version').then((said) => `Debian's ${said} for registry`),
  ]);
}

async function has(docker: Docker, image: string): Promise<boolean> {
  return docker(['image', 'inspect', image]).then(
    () => true,
    () => false,
  );
}

async function base(docker: Docker, folder: string): Promise<void> {
  if (await has(docker, standIn('base'))) return;
  await during('Making a Debian base image', async () => {
    const tree = join(folder, 'debian');
    await installPrograms([['debootstrap', 'debootstrap']]);
    await orCannotRun('Debian’s packages could not be had', () =>
      // What it mounts, and what it starts, ends with it.
      run('unshare', [...OF_ITS_OWN, 'debootstrap', '--variant=minbase', 'bookworm', tree, MIRROR]),
    );
    // Whoever builds here may sit behind a proxy whose authority this machine knows.
    await mkdir(join(tree, dirname(CA_BUNDLE)), { recursive: true });
    if (existsSync(CA_BUNDLE)) await copyFile(await realpath(CA_BUNDLE), join(tree, CA_BUNDLE));
    const archive = join(folder, 'debian.tar');
    const superfluous = ['var/cache/apt', 'var/lib/apt/lists', 'usr/share/doc', 'usr/share/man', 'usr/share/locale'];
    const without = superfluous.map((path) => `--exclude=./${path}/*`);
    await run('tar', ['--directory', tree, ...without, '--create', '--file', archive, '.']);
    await docker(['import', archive, standIn('base')]);
    await Promise.all([tree, archive].map((path) => rm(path, { recursive: true, force: true })));
  });
}

async function node(docker: Docker, folder: string): Promise<void> {
  if (await has(docker, standIn('node'))) return;
  const context = join(folder, 'node');
  await mkdir(context, { recursive: true });
  await copyFile(process.execPath, join(context, 'node'));
  await cp(await npmFolder(), join(context, 'npm'), { recursive: true });
  await build(docker, 'node', context);
  await rm(context, { recursive: true });
}

/** Of the npm that started us, else of the one on the PATH: `npm root` would speak of the project's own Node, which has none. */
async function npmFolder(): Promise<string> {
  const started = process.env['npm_execpath'] ?? '';
  const script = /npm-cli\.c?js$/.test(started) ? started : (await run('sh', ['-c', 'command -v npm'])).trim();
  return join(await realpath(script), '..', '..');
}

async function servers(docker: Docker): Promise<void> {
  if (!(await has(docker, standIn('servers')))) {
    await during('Installing PostgreSQL, Redis, HAProxy, Prometheus and a registry in an image', () =>
      build(docker, 'servers', RECIPES),
    );
  }
  for (const name of ['postgres', 'redis', 'haproxy', 'prometheus', 'node-exporter', 'registry'])
    await build(docker, name, RECIPES);
}

/** @param context folder with what its recipe copies */
export async function build(
  docker: Docker,
  name: string,
  context: string,
  args: readonly string[] = [],
): Promise<void> {
  const recipe = join(RECIPES, `${name}.Dockerfile`);
  const options = ['--network', 'host', '--quiet', '--file', recipe, '--tag', standIn(name), ...args];
  await docker(['build', ...options, context]);
}

/** The product's own images, by the operator's command. */
export async function buildProduct(docker: Docker, tag: string, nodeImage: string | null): Promise<void> {
  const env = {
    ...docker.env,
    TAG: tag,
    // npm of the build goes the way that this machine goes.
    BUILD_NETWORK: 'host',
    ...(nodeImage === null ? {} : { NODE_IMAGE: nodeImage }),
  };
  await during(`Building the product's images (${tag})`, () => run(join(ROOT, 'deploy', 'build'), [], { env }));
}
