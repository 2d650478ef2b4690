/** Which metrics deploy/grafana and deploy/prometheus ask for. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { ROOT } from './world.ts';

const Dashboard = z.object({
  panels: z.array(z.object({ targets: z.array(z.object({ expr: z.string() })).default([]) })),
});
const Alerts = z.object({ groups: z.array(z.object({ rules: z.array(z.object({ expr: z.string() })) })) });

export async function dashboardExpressions(): Promise<string[]> {
  const folder = join(ROOT, 'deploy', 'grafana');
  const files = (await readdir(folder)).filter((name) => name.endsWith('.json'));
  const texts = await Promise.all(files.map((name) => readFile(join(folder, name), 'utf8')));
  return texts.flatMap((text) =>
    Dashboard.parse(JSON.parse(text)).panels.flatMap(({ targets }) => targets.map(({ expr }) => expr)),
  );
}

export async function alertExpressions(): Promise<string[]> {
  const text = await readFile(join(ROOT, 'deploy', 'prometheus', 'alerts.yml'), 'utf8');
  return Alerts.parse(parse(text)).groups.flatMap(({ rules }) => rules.map(({ expr }) => expr));
}

/** Names in a PromQL expression that are neither functions, labels nor words of the language. */
export function metricNames(expression: string): string[] {
  const bare = expression
    .replaceAll(/"[^"]*"/g, '')
    .replaceAll(/\{[^}]*\}|\[[^\]]*\]/g, ' ')
    .replaceAll(/\b(by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ');
  return [...bare.matchAll(/\b[a-z_:][\w:]*\b(?!\s*\()/gi)]
    .map(([name]) => name)
    .filter((name) => !/^(and|or|unless|bool|offset)$/.test(name));
}
