/** The three services: how each is started, and what it gets to know. */
import { join } from 'node:path';
import type { ChildSpec } from './child.ts';
import type { PriceSource } from './settings.ts';

export const SERVICES = ['ingestor', 'forecaster', 'web'] as const;
export type ServiceName = (typeof SERVICES)[number];

export interface ServicePlan {
  root: string;
  mode: 'production' | 'development';
  env: NodeJS.ProcessEnv;
  /** Each service's own login. */
  databaseUrls: Record<ServiceName, string>;
  databaseListenUrl: string | null;
  queueUrl: string;
  priceSource: PriceSource;
  metricsPorts: Record<ServiceName, number>;
  host: string;
  port: number;
}

/** Variables that the launcher has resolved; a service must not see the login of the others, nor the same value twice. */
const RESOLVED = [
  'DATABASE_URL',
  'DATABASE_LISTEN_URL',
  'POSTGRES_HOST',
  'POSTGRES_PORT',
  'POSTGRES_USER',
  'POSTGRES_PASSWORD',
  'POSTGRES_DB',
  'QUEUE_URL',
  'PRICE_SOURCE',
  'METRICS_PORT',
  'HOST',
  'PORT',
];

export function serviceSpecs(plan: ServicePlan): ChildSpec[] {
  return SERVICES.map((name) => ({ name, ...entryPoint(name, plan), env: environment(name, plan) }));
}

function entryPoint(name: ServiceName, { root, mode, host, port }: ServicePlan): { args: string[]; cwd: string } {
  if (name !== 'web') return { args: [join(root, 'apps', name, 'src', 'main.ts')], cwd: root };
  const cwd = join(root, 'apps', 'web');
  if (mode === 'production') return { args: [join(cwd, 'server', 'main.ts')], cwd: root };
  const vite = join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  return { args: [vite, 'dev', '--host', host, '--port', String(port), '--strictPort'], cwd };
}

function environment(name: ServiceName, plan: ServicePlan): NodeJS.ProcessEnv {
  const hidden = new Set(RESOLVED.flatMap((variable) => [variable, `${variable}_FILE`]));
  const inherited = Object.entries(plan.env).filter(([variable]) => !hidden.has(variable));
  return {
    ...Object.fromEntries(inherited),
    NODE_ENV: plan.mode,
    DATABASE_URL: plan.databaseUrls[name],
    METRICS_PORT: String(plan.metricsPorts[name]),
    PRICE_SOURCE: plan.priceSource,
    ...(plan.databaseListenUrl === null ? {} : { DATABASE_LISTEN_URL: plan.databaseListenUrl }),
    ...(name === 'web' ? { HOST: plan.host, PORT: String(plan.port) } : { QUEUE_URL: plan.queueUrl }),
  };
}
