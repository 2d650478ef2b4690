/** Refused rows of one file: the first ones for people, all of them folded by ticker and reason for `rejected_rows`. */
import { type NativeResolution } from '@tapecast/contracts/resolution';
import { type RowFault } from '@tapecast/db/ingest-runs';
import { type Rejection } from '@tapecast/db/rejections';

export interface FaultBook {
  add(fault: RowFault & { reason: string; ticker: string }, record: readonly string[] | null): void;
  total(): number;
  first(): readonly RowFault[];
  /** @param run for the evidence */
  folded(run: number): Rejection[];
  /** All of it, for a later book to go on with. */
  memory(): FaultMemory;
}

/** As JSON keeps it. */
export interface FaultMemory {
  total: number;
  first: RowFault[];
  folds: Fold[];
}

interface Fold {
  ticker: string;
  reason: string;
  count: number;
  row: RowFault;
  record: string | null;
}

const SHOWN = 100;
/** A file of nothing but garbage must not fill the memory with its names. */
const MOST_FOLDS = 500;
const LONGEST_EVIDENCE = 1_000;

/** @param before of the part that was read before the program was killed */
export function createFaultBook(resolution: NativeResolution, before: FaultMemory | undefined): FaultBook {
  const first = [...(before?.first ?? [])];
  let total = before?.total ?? 0;
  const folds = new Map((before?.folds ?? []).map((fold) => [`${fold.ticker} ${fold.reason}`, fold]));
  return {
    add: ({ row, column, message, reason, ticker: written }, record) => {
      const ticker = harmless(written);
      total += 1;
      const fault = { row, column: harmless(column), message: harmless(message) };
      if (first.length < SHOWN) first.push(fault);
      const known = folds.has(`${ticker} ${reason}`) || folds.size < MOST_FOLDS;
      const name = known ? ticker : '?';
      const fold = folds.get(`${name} ${reason}`);
      const evidence = record === null ? null : harmless(record.join(',').slice(0, LONGEST_EVIDENCE));
      folds.set(`${name} ${reason}`, {
        ticker: name,
        reason,
        count: (fold?.count ?? 0) + 1,
        row: fault,
        record: evidence,
      });
    },
    total: () => total,
    first: () => first,
    memory: () => ({ total, first: [...first], folds: [...folds.values()] }),
    folded: (run) =>
      [...folds.values()].map(({ ticker, reason, count, row, record }) => ({
        ticker,
        resolution,
        reason,
        count,
        raw: { run, ...row, record },
      })),
  };
}

/** PostgreSQL's text and jsonb hold no NUL, and half of a surrogate pair is no text. */
function harmless(text: string): string {
  return text.replaceAll('\u0000', '\ufffd').toWellFormed();
}
