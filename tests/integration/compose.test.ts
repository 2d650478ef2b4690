/** deploy/compose.yml is written from deploy/stack.yml: `npm test -- tests/integration/compose.test.ts -u` renews it. */
import { readFile } from 'node:fs/promises';
import { expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { composeFile } from '../support/compose-file.ts';

const HEAD = `# Tapecast on one host without Swarm: \`deploy/up --compose\`; see deploy/README.md. Written from stack.yml and traefik.yml by
# tests/integration/compose.test.ts, which fails when they differ: change those, then renew it.
`;

async function yaml(name: string): Promise<unknown> {
  return parse(await readFile(new URL(`../../deploy/${name}`, import.meta.url), 'utf8'), { merge: true });
}

it('deploy/compose.yml tells what deploy/stack.yml tells', async () => {
  const compose = composeFile(await yaml('stack.yml'), (await yaml('traefik.yml')) as Record<string, unknown>);
  const text = stringify(compose, { lineWidth: 0, aliasDuplicateObjects: false, singleQuote: true, version: '1.1' });
  await expect(HEAD + text).toMatchFileSnapshot('../../deploy/compose.yml');
});
