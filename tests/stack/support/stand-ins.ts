/**
 * Images for a machine that reaches no registry: the same programs, from Debian and from npm, below the names that the image
 * variables of deploy/ are pointed at. What is put in another's place is said with its version.
 */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { copyFile, cp, mkdir, readFile, realpath, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Docker } from './docker.ts';
import { installPrograms, orCannotRun } from './cannot-run.ts';
import { kept } from './kept.ts';
import { during, run } from './run.ts';

const ROOT = join(import.meta.dirname, '..', '..', '..');
const RECIPES = join(import.meta.dirname, '..', 'stand-ins');
const MIRROR = 'http://deb.debian.org/debian';
const OF_ITS_OWN = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
const CA_BUNDLE = '/etc/ssl/certs/ca-certificates.crt';

export const standIn = (name: string): string => `tapecast-stand-in/${name}`;

/** What is made side by side. */
export interface Images {
  /** Debian alone, or with what the servers are of; each as soon as it is there. */
  readonly base: Promise<void>;
  readonly servers: Promise<void>;
  /** These and the product's. @returns what stands in for what, for the summary */
  readonly all: Promise<string[]>;
}

/** Debian's base, and on it Node and the servers; and the product. */
export function buildWithStandIns(docker: Docker, folder: string): Images {
  const base = makeBase(docker);
  // One waits for apt, the other for npm.
  const servers = base.then(() => makeServers(docker));
  const product = makeNode(docker, folder, base).then(() => buildProduct(docker, 'latest', standIn('node')));
  const all = Promise.all([servers, product]).then(() => versions(docker));
  for (const each of [base, servers, all]) each.catch(() => undefined); // whoever needs it awaits it
  return { base, servers, all };
}

/** Where a registry is reached, nothing stands in: the engine pulls what it wants. */
export function buildOnOfficial(docker: Docker): Images {
  const all = buildProduct(docker, 'latest', null).then(() => []);
  all.catch(() => undefined);
  return { base: Promise.resolve(), servers: Promise.resolve(), all };
}

async function versions(docker: Docker): Promise<string[]> {
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

async function makeBase(docker: Docker): Promise<void> {
  if (await has(docker, standIn('base'))) return;
  // Left out as in Debian's slim images, and by what apt installs later; and nothing is worth waiting for a disk.
  const superfluous = ['doc', 'man', 'info', 'locale', 'lintian', 'bug'].map(
    (name) => `path-exclude=/usr/share/${name}/*`,
  );
  const settings = ['force-unsafe-io', ...superfluous].map((setting) => `--dpkgopt=${setting}`);
  // Whoever builds here may sit behind a proxy whose authority this machine knows.
  const bundle = existsSync(CA_BUNDLE) ? await realpath(CA_BUNDLE) : null;
  const hooks = bundle === null ? [] : [`mkdir -p "$1${dirname(CA_BUNDLE)}"`, `upload ${bundle} ${CA_BUNDLE}`];
  const recipe = ['--variant=minbase', ...settings, ...hooks.map((hook) => `--customize-hook=${hook}`), 'bookworm'];
  const hash = createHash('sha256').update(JSON.stringify(recipe));
  if (bundle !== null) hash.update(await readFile(bundle));
  const archive = await kept(`debian-${hash.digest('hex').slice(0, 12)}.tar`, (target) =>
    during('Making a Debian base image', async () => {
      await installPrograms([['mmdebstrap', 'mmdebstrap']]);
      await orCannotRun('Debian’s packages could not be had', () =>
        // What it mounts, and what it starts, ends with it.
        run('unshare', [...OF_ITS_OWN, 'mmdebstrap', '--format=tar', ...recipe, target, MIRROR]),
      );
    }),
  );
  await docker(['import', archive, standIn('base')]);
}

async function makeNode(docker: Docker, folder: string, base: Promise<void>): Promise<void> {
  if (await has(docker, standIn('node'))) return;
  const context = join(folder, 'node');
  await mkdir(context, { recursive: true });
  await copyFile(process.execPath, join(context, 'node'));
  await cp(await npmFolder(), join(context, 'npm'), { recursive: true });
  await base;
  await build(docker, 'node', context);
  await rm(context, { recursive: true });
}

/** Of the npm that started us, else of the one on the PATH: `npm root` would speak of the project's own Node, which has none. */
async function npmFolder(): Promise<string> {
  const started = process.env['npm_execpath'] ?? '';
  const script = /npm-cli\.c?js$/.test(started) ? started : (await run('sh', ['-c', 'command -v npm'])).trim();
  return join(await realpath(script), '..', '..');
}

async function makeServers(docker: Docker): Promise<void> {
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
async function buildProduct(docker: Docker, tag: string, nodeImage: string | null): Promise<void> {
  const env = {
    ...docker.env,
    TAG: tag,
    // npm of the build goes the way that this machine goes.
    BUILD_NETWORK: 'host',
    ...(nodeImage === null ? {} : { NODE_IMAGE: nodeImage }),
  };
  await during(`Building the product's images (${tag})`, () => run(join(ROOT, 'deploy', 'build'), [], { env }));
}
