/** Looking at the beginning of a stream of bytes without losing it. */

/** At least `wanted` bytes, or all that there are. */
export async function firstBytes(chunks: AsyncGenerator<Buffer>, wanted: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  while (length < wanted) {
    const { done, value } = await chunks.next();
    if (done === true) break;
    parts.push(value);
    length += value.length;
  }
  return Buffer.concat(parts);
}

/** The chunks again, with what was taken from them. */
export async function* rejoin(head: Buffer, rest: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  if (head.length > 0) yield head;
  yield* rest;
}
