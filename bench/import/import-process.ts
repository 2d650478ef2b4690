/** One import in a process of its own, so that its memory can be told: `node import-process.ts URL FILE`. */
import { openDatabase } from '@tapecast/db/database';
import { importPrices } from '@tapecast/ingest/import/import-prices';
import { openSource } from '@tapecast/ingest/import/source';

const [url = '', file = ''] = process.argv.slice(2);
const db = openDatabase({ url, applicationName: 'bench import', queryTimeoutMs: 0 });
const { signal } = new AbortController();
const began = performance.now();
const report = await importPrices(await openSource(file, { signal }), {}, { db, signal, startedBy: 'bench' });
const seconds = (performance.now() - began) / 1_000;
await db.close();
// maxRSS is in KB.
const rssMb = process.resourceUsage().maxRSS / 1_024;
process.send?.({ seconds, inserted: report.inserted, rssMb });
process.disconnect();
