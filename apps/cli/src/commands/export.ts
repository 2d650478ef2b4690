/** `tapecast export`: bars as CSV, which `tapecast import` reads again. */
import { createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { Readable, type Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { PricesQuery } from '@tapecast/contracts/rest';
import { Resolution } from '@tapecast/contracts/resolution';
import { EXPORT_HEADER, exportBars } from '@tapecast/db/export-bars';
import { listTickers } from '@tapecast/db/tickers';
import { type CommandContext, withDatabase } from '../context.ts';
import { EXIT, UsageError, type ExitCode } from '../exit-codes.ts';
import { count } from '../terminal.ts';
import { parseTickers } from './tickers.ts';

export interface ExportOptions {
  resolution: string;
  from?: string;
  to?: string;
  output?: string;
}

export async function exportPrices(
  names: readonly string[],
  options: ExportOptions,
  context: CommandContext,
): Promise<ExitCode> {
  const range = PricesQuery.safeParse({ resolution: options.resolution, from: options.from, to: options.to });
  if (!range.success) {
    const problems = range.error.issues.map(({ path, message }) => `--${path.join('.')}: ${message}`);
    throw new UsageError(`${problems.join('\n')} (resolutions: ${Resolution.options.join(', ')})`);
  }
  const { resolution, from, to } = range.data;
  return withDatabase(context, async (db) => {
    const known = (await listTickers(db)).map(({ ticker }) => ticker);
    const tickers = names.length === 0 ? known : parseTickers(names);
    const unknown = tickers.filter((ticker) => !known.includes(ticker));
    if (unknown.length > 0)
      throw new UsageError(`${unknown.join(', ')}: not in the database. tapecast tickers list shows what is.`);
    let rows = 0;
    const lines = async function* () {
      yield EXPORT_HEADER;
      for await (const page of exportBars(db, { tickers, resolution, from, to })) {
        rows += page.rows;
        yield page.lines;
      }
    };
    const { output = '-' } = options;
    if (output === '-') {
      await pipeline(Readable.from(lines()), process.stdout as Writable, { end: false, signal: context.signal });
      return EXIT.ok;
    }
    // Under another name until it is whole: half a file must not look like one.
    const draft = `${output}.unfinished`;
    try {
      const packed = output.endsWith('.gz') ? [createGzip()] : [];
      await pipeline([Readable.from(lines()), ...packed, createWriteStream(draft)], { signal: context.signal });
      await rename(draft, output);
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    context.terminal.result(
      { rows, file: output, tickers, resolution },
      `${count(rows)} rows of ${resolution} in ${output}`,
    );
    return EXIT.ok;
  });
}
