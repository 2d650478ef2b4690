/** deploy/compose.yml out of deploy/stack.yml: what one host needs without Swarm, and nothing said twice. */
import { z } from 'zod';

const Volume = z.union([z.string(), z.object({ type: z.literal('tmpfs'), target: z.string() })]);
const Mounted = z.union([z.string(), z.object({ source: z.string(), target: z.string() })]);

const Service = z.looseObject({
  volumes: z.array(Volume).default([]),
  configs: z.array(z.object({ source: z.string(), target: z.string() })).default([]),
  secrets: z.array(Mounted).default([]),
  ports: z.array(z.object({ target: z.number(), published: z.number() })).default([]),
  networks: z.array(z.string()),
  healthcheck: z.looseObject({}).optional(),
  deploy: z.object({
    mode: z.enum(['replicated', 'replicated-job', 'global']).default('replicated'),
    replicas: z.union([z.number(), z.string()]).default(1),
    labels: z.record(z.string(), z.string()).default({}),
    resources: z.object({
      limits: z.object({ cpus: z.string(), memory: z.string() }),
      reservations: z.object({ memory: z.string() }).optional(),
    }),
  }),
});
type Service = z.infer<typeof Service>;

const Stack = z.object({
  services: z.record(z.string(), Service),
  networks: z.record(z.string(), z.object({ internal: z.boolean().optional(), ipam: z.unknown().optional() })),
  volumes: z.record(z.string(), z.null()),
  configs: z.record(z.string(), z.object({ file: z.string() })),
  secrets: z.record(z.string(), z.object({ name: z.string() })),
});

/** Tells Traefik of the containers of this project instead of Swarm's services. */
const PROVIDER = {
  docker: {
    endpoint: 'tcp://docker-api:2375',
    exposedByDefault: false,
    network: '${STACK:-tapecast}_edge',
    constraints: 'Label(`com.docker.compose.project`, `${STACK:-tapecast}`)',
  },
};

/** Where its health is asked for; it reads no file here that would tell. */
const PING = ['--ping=true', '--entryPoints.traefik.address=:8080'];

/**
 * @param stack deploy/stack.yml, parsed
 * @param traefik deploy/traefik.yml, parsed: it becomes the command's flags, since only Swarm fills in a config's template
 */
export function composeFile(stack: unknown, traefik: Record<string, unknown>): object {
  const { services, networks, volumes, configs, secrets } = Stack.parse(stack);
  const files = Object.fromEntries(Object.entries(configs).map(([name, { file }]) => [name, file]));
  const { traefik: edge, 'docker-api': api, ...others } = services;
  if (edge === undefined || api === undefined) throw new Error('stack.yml has no traefik or docker-api any more');
  const written = {
    traefik: {
      ...composeService({ ...edge, configs: edge.configs.filter(({ source }) => source !== 'traefik') }, files),
      command: traefikFlags(traefik),
      healthcheck: { ...edge.healthcheck, test: ['CMD', 'traefik', 'healthcheck', ...PING] },
    },
    'docker-api': { ...composeService(api, files), environment: { WITHOUT_SWARM: 'yes' } },
    ...Object.fromEntries(Object.entries(others).map(([name, service]) => [name, composeService(service, files)])),
  };
  return {
    services: written,
    networks: Object.fromEntries(
      Object.entries(networks).map(([name, { internal, ipam }]) => [name, { driver: 'bridge', internal, ipam }]),
    ),
    volumes,
    secrets: Object.fromEntries(
      Object.entries(secrets).map(([name, { name: full }]) => [name, { file: `./secrets/${full}` }]),
    ),
  };
}

function composeService(service: Service, files: Record<string, string>): object {
  const { deploy, configs, secrets, ports, volumes, ...same } = service;
  const { limits, reservations } = deploy.resources;
  const labels = Object.entries(deploy.labels).map(([key, value]) => [
    key.replace('traefik.swarm.', 'traefik.docker.'),
    value,
  ]);
  return {
    ...same,
    restart: deploy.mode === 'replicated-job' ? 'on-failure' : 'unless-stopped',
    ...(deploy.replicas === 1 ? {} : { deploy: { replicas: deploy.replicas } }),
    cpus: limits.cpus,
    mem_limit: limits.memory,
    mem_reservation: reservations?.memory,
    ports: some(ports.map(({ target, published }) => `${published}:${target}`)),
    volumes: some([
      ...volumes.filter((volume) => typeof volume === 'string'),
      ...configs.map(({ source, target }) => `${files[source] ?? ''}:${target}:ro`),
    ]),
    tmpfs: some(volumes.filter((volume) => typeof volume !== 'string').map(({ target }) => target)),
    // Files keep their owner here: deploy/up makes them readable, in a folder that is not.
    secrets: some(secrets.map((secret) => (typeof secret === 'string' ? secret : secret.source))),
    labels: labels.length === 0 ? undefined : Object.fromEntries(labels),
  };
}

/** An empty list is not worth a line. */
function some<T>(list: T[]): T[] | undefined {
  return list.length === 0 ? undefined : list;
}

function traefikFlags(config: Record<string, unknown>): string[] {
  const { providers, certificatesResolvers, ...rest } = config;
  const { file } = z.object({ file: z.record(z.string(), z.unknown()) }).parse(providers);
  const { acme } = z
    .object({ letsencrypt: z.object({ acme: z.object({ storage: z.string(), keyType: z.string() }) }) })
    .parse(certificatesResolvers).letsencrypt;
  const resolver = {
    email: '${ACME_EMAIL:-}',
    caServer: '${ACME_SERVER:-https://acme-v02.api.letsencrypt.org/directory}',
    ...acme,
  };
  return [
    ...flags({ ...rest, providers: { ...PROVIDER, file } }),
    ...flags({ certificatesResolvers: { letsencrypt: { acme: resolver } } }),
    // deploy/up says another for ACME_DNS_PROVIDER.
    '--certificatesResolvers.letsencrypt.acme.${ACME_CHALLENGE:-httpChallenge.entryPoint=web}',
  ];
}

/** `{ a: { b: 1, c: {} } }` → `--a.b=1`, `--a.c=true` */
function flags(value: unknown, path = ''): string[] {
  if (value === null || typeof value !== 'object') return [`--${path}=${String(value)}`];
  const entries = Object.entries(value);
  if (entries.length === 0) return [`--${path}=true`];
  return entries.flatMap(([key, inner]) => flags(inner, path === '' ? key : `${path}.${key}`));
}
