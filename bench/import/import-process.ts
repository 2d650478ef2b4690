/** One import in a process of its own, so that its memory can be told: `node import-process.ts URL FILE`. */
import { readFileSync } from 'node:fs';
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
process.send?.({ seconds, inserted: report.inserted, rssMb: peakMb() });
process.disconnect();

/** Linux's own count where there is one: getrusage's begins with what the parent held when it forked. */
function peakMb(): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]) / 1_024;
  } catch {
    return process.resourceUsage().maxRSS / 1_024;
  }
}
