/** The stack's surroundings on one machine: engine, images, a vendor, a certificate authority; and the stack itself. */
import { copyFile, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { startYahoo } from '../../support/yahoo/server.ts';
import { makeAuthority, startAcme } from './acme.ts';
import { dockerOf, type Docker } from './docker.ts';
import { openEngine } from './engine.ts';
import { buildGoPrograms, PEBBLE_VERSION, TRAEFIK_VERSION } from './go-programs.ts';
import { openPorts } from './ports.ts';
import { during, run, say } from './run.ts';
import { build, buildProduct, buildWithStandIns, standIn } from './stand-ins.ts';
import { endSwarm, startSwarm } from './swarm.ts';

/** What test files get to know; plain data, since they run in other processes. */
export interface World {
  /** Why there can be no stack on this machine; all else is empty then. */
  cannotRun: string | null;
  dockerHost: string;
  domain: string;
  /** PEM of the root of all certificates that the edge shows. */
  root: string;
  /** Where the vendor answers; `POST /__fault?mode=frozen-time` there stops news. */
  vendor: string;
  tickers: string[];
  pollSeconds: number;
  /** Of the operators' pages. */
  operator: { user: string; password: string };
  /** For what a test makes; it goes with the stack. */
  folder: string;
  /** For the summary: engine and substitutes, with versions. */
  ranOn: string[];
  /** Image of a registry, which is the very software in either case. */
  registry: string;
  /** What deploy/up was given. */
  settings: Record<string, string>;
  /** Address where the stack's ports answer. */
  edge: string;
  /** TCP ports that answered there before there was a stack. */
  portsBefore: number[];
}

export const STACK = 'tapecast';
/** Images that deploy/build makes. */
export const IMAGES = ['web', 'ingestor', 'forecaster', 'cli', 'backup', 'board'];
export const ROOT = join(import.meta.dirname, '..', '..', '..');
const TICKERS = ['MSFT', 'TSLA', 'CVX', 'XOM'];
const POLL_SECONDS = 2;
const DOMAIN = 'tapecast.test';

export function noWorld(cannotRun: string): World {
  const nothing = {
    dockerHost: '',
    domain: DOMAIN,
    root: '',
    folder: '',
    vendor: '',
    registry: '',
    tickers: [],
    pollSeconds: POLL_SECONDS,
    edge: '',
  };
  return { cannotRun, ...nothing, operator: { user: '', password: '' }, ranOn: [], settings: {}, portsBefore: [] };
}

/** @throws {CannotRunHere} where there can be no stack */
export async function openWorld(folder: string, onClose: (closer: () => Promise<void>) => void): Promise<World> {
  // What takes the longest begins first.
  const compiled = buildGoPrograms(join(folder, 'go'));
  compiled.catch(() => undefined); // it is awaited below
  const engine = await during('Opening a Docker engine', () => openEngine(join(folder, 'engine')));
  onClose(engine.close);
  const docker = dockerOf(engine.host);
  const bridge = await startSwarm(docker);
  if (!engine.isOurs) onClose(() => during('Removing the stack', () => endSwarm(docker, STACK)));
  const { here: address, there: edge } = engine.addresses ?? { here: bridge, there: bridge };

  const registry = await reachesRegistry();
  // What compiles and what installs: together, since each waits for the network now and then.
  const images = async () => {
    if (!registry) return buildWithStandIns(docker, folder);
    await buildProduct(docker, 'latest', null);
    return [];
  };
  const [programs, substitutes] = await Promise.all([compiled, images()]);
  const authority = await makeAuthority(folder, address);
  const acme = await startAcme(folder, { address, edge, authority, programs });
  onClose(acme.close);
  const base = registry ? 'debian:bookworm-slim' : standIn('base');
  await traefikImage(docker, folder, { program: programs.traefik, authority: authority.certificate, base });
  const vendor = await startYahoo({ host: address });
  onClose(vendor.close);

  const settings: Record<string, string> = {
    DOMAIN,
    DOCKER_SOCKET: engine.socket,
    ACME_EMAIL: `operator@${DOMAIN}`,
    ACME_SERVER: acme.directory,
    TRAEFIK_IMAGE: standIn('traefik'),
    PRICE_SOURCE: 'yahoo',
    YAHOO_ORIGIN: vendor.origin,
    TICKERS: TICKERS.join(','),
    POLL_SECONDS: String(POLL_SECONDS),
    BACKFILL_FROM: new Date(Date.now() - 30 * 86_400_000).toISOString().slice(0, 10),
    VENDOR_REQUESTS_PER_SECOND: '50',
    VENDOR_BURST: '100',
    FORECAST_BACKTESTS: '0',
    // All clients of the tests come from one address.
    MAX_CONNECTIONS_PER_ADDRESS: '2000',
    RESOLVE_IMAGE: 'never',
    ...(registry
      ? {}
      : {
          TIMESCALEDB_IMAGE: standIn('postgres'),
          REDIS_IMAGE: standIn('redis'),
          HAPROXY_IMAGE: standIn('haproxy'),
          PROMETHEUS_IMAGE: standIn('prometheus'),
        }),
  };
  const portsBefore = await openPorts(edge);
  const said = await deploy(docker, settings);
  const [, user = '', password = ''] = /user (\S+), password (\S+)/.exec(said) ?? [];
  const ranOn = [
    engine.name,
    ...substitutes,
    `Traefik ${TRAEFIK_VERSION}, compiled from its Go module without DNS-01 providers, for its image`,
    `pebble ${PEBBLE_VERSION} for Let's Encrypt`,
  ];
  for (const line of ranOn) say(line);
  return {
    cannotRun: null,
    folder,
    dockerHost: engine.host,
    domain: DOMAIN,
    root: acme.root,
    vendor: vendor.origin,
    tickers: TICKERS,
    pollSeconds: POLL_SECONDS,
    operator: { user, password },
    ranOn,
    registry: registry ? 'registry:3' : standIn('registry'),
    settings,
    edge,
    portsBefore,
  };
}

/** `deploy/up` with these settings. @returns what it printed */
export function deploy(docker: Docker, settings: Record<string, string>, ...options: string[]): Promise<string> {
  const env = { ...docker.env, ...settings };
  return during(['deploy/up', ...options].join(' '), () => run(join(ROOT, 'deploy', 'up'), options, { env }));
}

async function reachesRegistry(): Promise<boolean> {
  return fetch('https://registry-1.docker.io/v2/', { signal: AbortSignal.timeout(5_000) }).then(
    () => true,
    () => false,
  );
}

async function traefikImage(
  docker: Docker,
  folder: string,
  { program, authority, base }: { program: string; authority: string; base: string },
): Promise<void> {
  const context = join(folder, 'traefik-image');
  await mkdir(context, { recursive: true });
  await copyFile(program, join(context, 'traefik'));
  await copyFile(authority, join(context, 'test-ca.pem'));
  await build(docker, 'traefik', context, ['--build-arg', `BASE=${base}`]);
}
