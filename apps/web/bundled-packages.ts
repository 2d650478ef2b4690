/**
 * Of a list of packages in SPDX (standard input), those whose code is in build/, by its source maps: what is bundled has no folder
 * that a scanner would find. Standard output gets the list, without what only built the pages.
 */
import { readdir, readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const BUILD = new URL('build/', import.meta.url);
const SourceMap = z.object({ sources: z.array(z.string().nullable()) });
const Bill = z.looseObject({
  packages: z.array(z.looseObject({ name: z.string(), SPDXID: z.string() })),
  relationships: z.array(z.looseObject({ spdxElementId: z.string(), relatedSpdxElement: z.string() })),
});

/** Of the innermost package that a file belongs to, scoped or not. */
const PACKAGE = /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//;

async function bundled(): Promise<Set<string>> {
  const maps = (await readdir(BUILD, { recursive: true })).filter((name) => name.endsWith('.map'));
  const names = new Set(['@tapecast/web']);
  for (const map of maps) {
    const { sources } = SourceMap.parse(JSON.parse(await readFile(new URL(map, BUILD), 'utf8')));
    for (const source of sources) {
      const name = PACKAGE.exec(source ?? '')?.[1];
      if (name !== undefined) names.add(name);
    }
  }
  return names;
}

const bill = Bill.parse(JSON.parse(await text(process.stdin)));
const names = await bundled();
const described = bill.relationships.filter(({ spdxElementId }) => spdxElementId === 'SPDXRef-DOCUMENT');
const ids = new Set(['SPDXRef-DOCUMENT', ...described.map(({ relatedSpdxElement }) => relatedSpdxElement)]);
for (const { name, SPDXID } of bill.packages) if (names.has(name)) ids.add(SPDXID);
bill.packages = bill.packages.filter(({ SPDXID }) => ids.has(SPDXID));
bill.relationships = bill.relationships.filter(
  ({ spdxElementId, relatedSpdxElement }) => ids.has(spdxElementId) && ids.has(relatedSpdxElement),
);
process.stdout.write(`${JSON.stringify(bill, null, 2)}\n`);
