/**
 * CSV without quotes is nothing but lines: they need no parser. Where the first quote stands, or lines end in some other way, the rest of
 * the text is handed on to one.
 */
import { rejoin } from './chunks.ts';

export type TextPart =
  /** Whole lines; only the last one of the text may lack its line feed. */
  | { lines: Buffer }
  /** All that follows, from the beginning of a row on. `lineFeeds`: rows before it ended in one. */
  | { rest: AsyncGenerator<Buffer>; lineFeeds: boolean };

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;
/** A line that does not end is for the parser to complain about. */
const LONGEST_LINE = 1 << 16;

export async function* plainLines(text: AsyncGenerator<Buffer>): AsyncGenerator<TextPart> {
  let carried: Buffer = Buffer.alloc(0);
  let lineFeeds = false;
  for (;;) {
    const { done, value } = await text.next();
    if (done === true) break;
    const bytes = carried.length === 0 ? value : Buffer.concat([carried, value]);
    const quote = bytes.indexOf(QUOTE);
    const end = (quote < 0 ? bytes : bytes.subarray(0, quote)).lastIndexOf(LINE_FEED) + 1;
    const odd = !lineFeeds && endsLinesOtherwise(bytes);
    if (end > 0 && !odd) {
      lineFeeds = true;
      yield { lines: bytes.subarray(0, end) };
    }
    carried = odd ? bytes : bytes.subarray(end);
    if (odd || quote >= 0 || carried.length > LONGEST_LINE) {
      yield { rest: rejoin(carried, text), lineFeeds };
      return;
    }
  }
  if (carried.length > 0) yield { lines: carried };
}

/** A carriage return of its own, before any line feed. */
function endsLinesOtherwise(bytes: Buffer): boolean {
  const at = bytes.indexOf(CARRIAGE_RETURN);
  if (at < 0 || at + 1 === bytes.length || bytes[at + 1] === LINE_FEED) return false;
  const lineFeed = bytes.indexOf(LINE_FEED);
  return lineFeed < 0 || at < lineFeed;
}
