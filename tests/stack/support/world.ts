/** The stack's surroundings on one machine: engine, images, a vendor, a certificate authority; and the stack itself. */
import { copyFile, cp, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { startTlsPostgres } from '../../support/tls-postgres.ts';
import { startYahoo } from '../../support/yahoo/server.ts';
import { makeAuthority, startAcme } from './acme.ts';
import { dockerOf, type Docker } from './docker.ts';
import { openEngine } from './engine.ts';
import { buildGoPrograms, PEBBLE_VERSION, TRAEFIK_VERSION } from './go-programs.ts';
import { startNameServer, type NameServer } from './name-server.ts';
import { openPorts } from './ports.ts';
import { startRegistry, type Registry } from './registry.ts';
import { during, run, say } from './run.ts';
import { build, buildOnOfficial, buildWithStandIns, standIn } from './stand-ins.ts';
import { endSwarm, startSwarm } from './swarm.ts';

/** What test files get to know; plain data, since they run in other processes. */
export interface World {
  /** Why there can be no stack on this machine; all else is empty then. */
  cannotRun: string | null;
  dockerHost: string;
  /** Started by the tests, which may start more of them. */
  ownsEngine: boolean;
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
  /** A copy of deploy/, with its stack.local.yml and compose.local.yml: what it says and writes is not the checkout's. */
  deploy: string;
  /** Where DNS-01 sets its records: `GET /proven` lists the names whose proofs were read, in turn. */
  nameProvider: string;
  /** A database server that is no part of the stack. */
  outside: {
    /** As services name it. */
    host: string;
    port: number;
    /** Path of the CA of its certificate. */
    ca: string;
    /** URL of its administrator, for this machine. */
    admin: string;
  };
  /** For the summary: engine and substitutes, with versions. */
  ranOn: string[];
  /** Of images, empty at first; the very software in either case. */
  registry: Registry;
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
/** Certificates by way of the tests' name server, instead of port 80. */
export const DNS_01 = { ACME_DNS_PROVIDER: 'httpreq' };
/** For replicas of web, once it was seen how they leave by default. */
export const QUICK_LEAVE = { EDGE_NOTICE_SECONDS: '2', DRAIN_SECONDS: '2' };
/** Tag of what goes to the registry. */
export const PUBLISHED = 'published';
export const ROOT = join(import.meta.dirname, '..', '..', '..');
const TICKERS = ['MSFT', 'TSLA', 'CVX', 'XOM'];
const POLL_SECONDS = 2;
const DOMAIN = 'tapecast.test';

export function noWorld(cannotRun: string): World {
  const nothing = {
    dockerHost: '',
    ownsEngine: false,
    domain: DOMAIN,
    root: '',
    folder: '',
    deploy: '',
    nameProvider: '',
    vendor: '',
    tickers: [],
    pollSeconds: POLL_SECONDS,
    edge: '',
  };
  const outside = { host: '', port: 0, ca: '', admin: '' };
  const operator = { user: '', password: '' };
  const registry = { address: '', container: '' };
  return { cannotRun, ...nothing, registry, outside, operator, ranOn: [], settings: {}, portsBefore: [] };
}

/** @throws {CannotRunHere} where there can be no stack */
export async function openWorld(folder: string, onClose: (closer: () => Promise<void>) => void): Promise<World> {
  // What takes the longest begins first.
  const compiled = buildGoPrograms(join(folder, 'go'));
  compiled.catch(() => undefined); // it is awaited below
  const engine = await during('Opening a Docker engine', () => openEngine(join(folder, 'engine')));
  onClose(engine.close);
  const docker = dockerOf(engine.host);
  const bridge = await startSwarm(docker, engine.addresses?.there ?? '127.0.0.1');
  if (!engine.isOurs) onClose(() => during('Removing the stack', () => endSwarm(docker, STACK)));
  const { here: address, there: edge } = engine.addresses ?? { here: bridge, there: bridge };

  const reached = await reachesRegistry();
  const images = reached ? buildOnOfficial(docker) : buildWithStandIns(docker, folder);
  // Whatever compiles, installs, builds and starts does so side by side: each waits for the network or a disk now and then.
  const authority = await makeAuthority(folder, address);
  const names = await startNameServer({ zone: DOMAIN, here: address, edge });
  onClose(names.close);
  const vendor = await startYahoo({ host: address });
  onClose(vendor.close);
  const remote = await startTlsPostgres(`db.${DOMAIN}`, address);
  onClose(remote.stop);
  const programs = await compiled;
  const acme = await startAcme(folder, { address, nameServer: names.address, authority, programs });
  onClose(acme.close);
  await images.base;
  const base = reached ? 'debian:bookworm-slim' : standIn('base');
  await traefikImage(docker, folder, { program: programs.traefik, authority: authority.certificate, base });
  await images.servers;
  const registry = await startRegistry(docker, reached ? 'registry:3' : standIn('registry'), engine.addresses?.there);
  if (!engine.isOurs) onClose(() => docker(['rm', '--force', '--volumes', registry.container]).then(() => undefined));
  const portsBefore = await openPorts(edge);
  const substitutes = await images.all;

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
    ...(reached
      ? {}
      : {
          TIMESCALEDB_IMAGE: standIn('postgres'),
          REDIS_IMAGE: standIn('redis'),
          HAPROXY_IMAGE: standIn('haproxy'),
          PROMETHEUS_IMAGE: standIn('prometheus'),
          NODE_EXPORTER_IMAGE: standIn('node-exporter'),
        }),
  };
  const copy = join(folder, 'deploy');
  await copyDeploy(docker, copy, { resolver: address, names });
  const said = await deploy(docker, copy, settings);
  const [, user = '', password = ''] = /user (\S+), password (\S+)/.exec(said) ?? [];
  const ranOn = [
    engine.name,
    ...substitutes,
    `Traefik ${TRAEFIK_VERSION}, compiled from its Go module with httpreq as its only DNS-01 provider, for its image`,
    `pebble ${PEBBLE_VERSION} for Let's Encrypt`,
  ];
  for (const line of ranOn) say(line);
  return {
    cannotRun: null,
    folder,
    deploy: copy,
    nameProvider: names.provider.origin,
    outside: { host: `db.${DOMAIN}`, port: remote.server.port, ca: remote.ca, admin: remote.server.url('postgres') },
    dockerHost: engine.host,
    ownsEngine: engine.isOurs,
    domain: DOMAIN,
    root: acme.root,
    vendor: vendor.origin,
    tickers: TICKERS,
    pollSeconds: POLL_SECONDS,
    operator: { user, password },
    ranOn,
    registry,
    settings,
    edge,
    portsBefore,
  };
}

/** `up` of a copy of deploy/ with these settings. @returns what it printed */
export function deploy(
  docker: Docker,
  folder: string,
  settings: Record<string, string>,
  ...options: string[]
): Promise<string> {
  const env = { ...docker.env, ...settings };
  return during(['deploy/up', ...options].join(' '), () => run(join(folder, 'up'), options, { env }));
}

/** With what an operator adds here: a name server of his own, and for DNS-01 the login of its provider, as the guide has it. */
async function copyDeploy(
  docker: Docker,
  folder: string,
  options: { resolver: string; names: NameServer },
): Promise<void> {
  const own = (path: string) =>
    ['secrets', '.env', 'images.env'].includes(basename(path)) || path.endsWith('.local.yml');
  await cp(join(ROOT, 'deploy'), folder, { recursive: true, filter: (path) => !own(path) });
  const { origin, user, password } = options.names.provider;
  await docker(['secret', 'create', 'dns_password', '-'], { input: password });
  const dns = [options.resolver];
  const provider = {
    environment: {
      HTTPREQ_ENDPOINT: origin,
      HTTPREQ_USERNAME: user,
      HTTPREQ_PASSWORD_FILE: '/run/secrets/dns_password',
    },
    secrets: ['dns_password'],
  };
  const traefik = { dns, ...provider };
  const others = ['migrate', 'web', 'ingestor', 'forecaster', 'backup'].map((name) => [name, { dns }]);
  const write = (name: string, own: object) => writeFile(join(folder, name), JSON.stringify(own, null, 2));
  await write('stack.local.yml', {
    services: { ...Object.fromEntries(others), traefik },
    secrets: { dns_password: { external: true } },
  });
  // Without Swarm a secret is a file.
  const secret = join('secrets', 'dns_password');
  await mkdir(join(folder, 'secrets'), { mode: 0o700 });
  await writeFile(join(folder, secret), password, { mode: 0o600 });
  await write('compose.local.yml', { services: { traefik }, secrets: { dns_password: { file: `./${secret}` } } });
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
