import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ImportError } from './errors.ts';
import { plainLines } from './plain-lines.ts';
import { readRecords } from './records.ts';

const { signal } = new AbortController();

async function* inPieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text);
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function parsed(text: string): Promise<string[][]> {
  const records: string[][] = [];
  for await (const batch of readRecords(inPieces(text, 7), { delimiter: ',', signal })) records.push(...batch.records);
  return records;
}

/** As an import reads: lines as they are, the rest through the parser. */
async function read(text: string, size: number): Promise<string[][]> {
  const records: string[][] = [];
  for await (const part of plainLines(inPieces(text, size))) {
    if ('rest' in part) {
      const { rest, lineFeeds } = part;
      for await (const batch of readRecords(rest, { delimiter: ',', lineFeeds, signal }))
        records.push(...batch.records);
      continue;
    }
    const lines = part.lines.toString().split('\n');
    if (lines.at(-1) === '') lines.pop();
    records.push(...lines.map((line) => line.replace(/\r$/, '').split(',')));
  }
  return records;
}

it.each(['\n', '\r\n', '\r'])('gives the rows that the parser gives, wherever the text is cut (%j)', async (end) => {
  const field = fc.constantFrom('', 'a', '1.5', 'ü', '"q"', '"a ""b"""', `"two${end}lines"`, '"x,y"', ' ');
  const rows = fc.array(fc.array(field, { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 8 });
  await fc.assert(
    fc.asyncProperty(rows, fc.integer({ min: 1, max: 40 }), fc.boolean(), async (records, size, open) => {
      const text = records.map((record) => record.join(',')).join(end) + (open ? '' : end);
      expect(await read(text, size)).toEqual(await parsed(text));
    }),
    { numRuns: 200 },
  );
});

it('keeps no line without an end in memory: that is for the parser to refuse', async () => {
  await expect(read(`a,b\n${'x'.repeat(200_000)}`, 10_000)).rejects.toThrow(ImportError);
});
