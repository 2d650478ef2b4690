/**
 * The rows of a file, judged and staged in constant memory. Rows that were staged before the program was killed are not read again, as long
 * as the file begins with the same bytes.
 */
import { createBarEncoder, type StagedBar } from '@tapecast/db/bar-encoder';
import { type StagedState } from '@tapecast/db/ingest-runs';
import { type Staging } from '@tapecast/db/staging';
import { createRowReader } from './bar-rows.ts';
import { rejoin } from './chunks.ts';
import { ImportError } from './errors.ts';
import { createFaultBook, type FaultBook, type FaultMemory } from './fault-book.ts';
import { plainLines } from './plain-lines.ts';
import { createPlainRow } from './plain-row.ts';
import { createPrefixHash, type PrefixHash } from './prefix-hash.ts';
import { type ReadPlan } from './read-plan.ts';
import { readRecords } from './records.ts';
import { type ImportSource } from './source.ts';

/** Counts that survive a kill, with the staged rows. */
interface Memory {
  rowsIn: number;
  forming: number;
  book: FaultMemory;
}

export interface StagedFile {
  rowsIn: number;
  forming: number;
  fileHash: string;
  resumedAfter: number;
  /** Rows came out of order: the same bar may be there twice. */
  unsorted: boolean;
  book: FaultBook;
}

export interface StageOptions {
  source: ImportSource;
  plan: ReadPlan;
  staging: Staging;
  text: AsyncGenerator<Buffer>;
  keepGood: boolean;
  signal: AbortSignal;
  onRows(rowsIn: number): void;
}

/** Rows that are staged between two commits: what a killed run loses at most. */
const CHUNK_ROWS = 100_000;
const LINE_FEED = 0x0a;

/** @throws {ImportError} where the text ends or stops being CSV, naming row and column */
export async function stageFile(options: StageOptions): Promise<StagedFile> {
  const { staging, source } = options;
  const hash = createPrefixHash();
  if (staging.staged === null) return stageRows(options, hash, hash.watch(options.text), null);
  const rest = await skipStaged(hash.watch(options.text), hash, staging.staged);
  if (rest !== null) return stageRows(options, hash, rest, staging.staged);
  // The file is not what it was when the run was killed.
  await staging.reset();
  const anew = createPrefixHash();
  return stageRows(options, anew, anew.watch(source.open()), null);
}

/** @returns what follows the staged part; null when the text is another one */
async function skipStaged(
  text: AsyncGenerator<Buffer>,
  hash: PrefixHash,
  staged: StagedState,
): Promise<AsyncGenerator<Buffer> | null> {
  let skipped = 0;
  for (;;) {
    const { done, value } = await text.next();
    if (done === true) return skipped === staged.bytes && hash.at(skipped) === staged.hash ? text : null;
    if (skipped + value.length < staged.bytes) {
      skipped += value.length;
      hash.pass(skipped);
      continue;
    }
    if (hash.at(staged.bytes) !== staged.hash) return null;
    return rejoin(value.subarray(staged.bytes - skipped), text);
  }
}

async function stageRows(
  { plan, staging, keepGood, signal, onRows }: StageOptions,
  hash: PrefixHash,
  text: AsyncGenerator<Buffer>,
  from: StagedState | null,
): Promise<StagedFile> {
  const before = from?.memory as Memory | undefined;
  const judge = createJudge(plan, keepGood, from, before);
  const plainRow = createPlainRow(plan.rules, plan.delimiter);
  let row = from?.row ?? 0;
  let bytes = from?.bytes ?? 0;
  let chunk = staging.chunk();
  let committed = judge.staged();

  async function commit(fileHash: string): Promise<void> {
    await chunk.commit({ bytes, hash: fileHash, row, rows: judge.staged(), memory: judge.memory() });
    committed = judge.staged();
    chunk = staging.chunk();
  }

  async function advance(): Promise<void> {
    signal.throwIfAborted();
    await chunk.write(judge.take());
    onRows(judge.rowsIn());
  }

  /** Lines from `bytes` on, all of them whole. */
  function judgeLines(lines: Buffer): void {
    for (let start = 0; start < lines.length;) {
      const found = lines.indexOf(LINE_FEED, start);
      const end = found < 0 ? lines.length : found;
      row += 1;
      if (row > plan.headerRow) {
        const bar = plainRow?.read(lines, start, end) ?? null;
        if (bar !== null) judge.good(row, bar);
        else judge.record(row, lines.toString('utf8', start, end).split(plan.delimiter));
      }
      start = end + 1;
    }
    bytes += lines.length;
    hash.pass(bytes);
  }

  async function stageRecords(rest: AsyncGenerator<Buffer>, lineFeeds: boolean): Promise<void> {
    const offset = bytes;
    const { delimiter, layout, headerRow } = plan;
    const header = layout.header;
    for await (const batch of readRecords(rest, { delimiter, startRow: row + 1, lineFeeds, header, signal })) {
      for (const record of batch.records) {
        row += 1;
        if (row > headerRow) judge.record(row, record);
      }
      await advance();
      if (batch.bytes === null) continue;
      bytes = offset + batch.bytes;
      hash.pass(bytes);
      if (judge.staged() - committed >= CHUNK_ROWS) await commit(hash.at(bytes));
    }
  }

  try {
    for await (const part of plainLines(text)) {
      if ('rest' in part) {
        await stageRecords(part.rest, part.lineFeeds);
        break;
      }
      judgeLines(part.lines);
      await advance();
      if (judge.staged() - committed >= CHUNK_ROWS) await commit(hash.at(bytes));
    }
  } catch (error) {
    if (!(error instanceof ImportError) || /^row \d/.test(error.message)) throw error;
    // The bytes ended or broke: after this row nothing can be read.
    throw new ImportError(`row ${row + 1}, column ${plan.layout.header[0] ?? '1'}: ${error.message}`, { cause: error });
  }
  const whole = hash.whole();
  bytes = whole.bytes;
  await commit(whole.hash);
  return { ...judge.result(), fileHash: whole.hash, resumedAfter: from?.rows ?? 0 };
}

/** What the rows say, counted and encoded. */
function createJudge(plan: ReadPlan, keepGood: boolean, from: StagedState | null, before: Memory | undefined) {
  const readRow = createRowReader(plan.rules);
  const encoder = createBarEncoder(1 << 19);
  const book = createFaultBook(plan.resolution, before?.book);
  const newest = new Map<string, number>();
  const counts = { rowsIn: before?.rowsIn ?? 0, forming: before?.forming ?? 0 };
  let unsorted = from !== null;
  let staged = from?.rows ?? 0;

  function stage(row: number, bar: StagedBar): void {
    if (book.total() > 0 && !keepGood) return; // nothing of this file will be kept
    if (!unsorted) {
      unsorted = bar.time <= (newest.get(bar.ticker) ?? Number.NEGATIVE_INFINITY);
      newest.set(bar.ticker, bar.time);
    }
    staged += 1;
    encoder.add(row, bar);
  }

  return {
    good: (row: number, bar: StagedBar): void => {
      counts.rowsIn += 1;
      stage(row, bar);
    },
    record: (row: number, record: readonly string[]): void => {
      const verdict = readRow(record);
      if (verdict === 'blank') return;
      counts.rowsIn += 1;
      if (verdict === 'forming') counts.forming += 1;
      else if ('fault' in verdict) book.add({ row, ...verdict.fault }, record);
      else stage(row, verdict.bar);
    },
    take: () => encoder.take(),
    rowsIn: () => counts.rowsIn,
    staged: () => staged,
    memory: (): Memory => ({ ...counts, book: book.memory() }),
    result: () => ({ ...counts, unsorted, book }),
  };
}
