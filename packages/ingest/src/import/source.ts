/** Where the bytes come from: a file, a URL or standard input, unpacked, as UTF-8, in constant memory. */
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { createGunzip } from 'node:zlib';
import { Readable } from 'node:stream';
import { type ReadableStream as WebStream } from 'node:stream/web';
import { firstBytes, rejoin } from './chunks.ts';
import { ImportError } from './errors.ts';

export interface ImportSource {
  /** For the book of runs: a full path, or a URL without its secrets, or `-`. */
  name: string;
  /** Last part of path or URL, from which a ticker may be read; empty for standard input. */
  fileName: string;
  /** Bytes to be read (packed), null where nobody can tell. */
  size: number | null;
  /** Bytes that were read so far, as `size` counts them. */
  read(): number;
  /** Whether open() may be called again. */
  repeatable: boolean;
  /** The text, as UTF-8 without byte order mark. @throws {ImportError} */
  open(): AsyncGenerator<Buffer>;
}

export interface SourceOptions {
  signal: AbortSignal;
  /** As in WHATWG's list: `windows-1252`, `utf-16le`, … Default: by the byte order mark, else UTF-8. */
  encoding?: string | undefined;
  fetch?: typeof fetch;
  stdin?: Readable;
}

/** @param what path, `http(s)://…` or `-` @throws {ImportError} */
export async function openSource(what: string, options: SourceOptions): Promise<ImportSource> {
  const decoder = options.encoding === undefined ? null : decoderFor(options.encoding);
  const counted = { bytes: 0 };
  const base = { read: () => counted.bytes };
  const text = (raw: () => AsyncIterable<Buffer>) => () => {
    counted.bytes = 0;
    return asUtf8(unpacked(count(raw(), counted)), decoder);
  };
  if (what === '-') {
    const stdin = options.stdin ?? process.stdin;
    return { ...base, name: '-', fileName: '', size: null, repeatable: false, open: text(() => stdin) };
  }
  if (/^https?:\/\//i.test(what)) {
    const response = await request(what, options);
    let first: Response | null = response;
    const raw = async function* () {
      const current = first ?? (await request(what, options));
      first = null;
      if (current.body === null) return;
      for await (const chunk of Readable.fromWeb(current.body as WebStream)) {
        yield chunk as Buffer;
      }
    };
    const length = Number(response.headers.get('content-length') ?? Number.NaN);
    const packed = response.headers.get('content-encoding') !== null; // fetch unpacks it, the length does not tell
    const size = Number.isFinite(length) && !packed ? length : null;
    const { pathname } = new URL(what);
    const fileName = decodeURIComponent(basename(pathname));
    return { ...base, name: withoutSecrets(what), fileName, size, repeatable: true, open: text(raw) };
  }
  const path = resolve(what);
  const facts = await stat(path).catch((cause: unknown) => {
    throw new ImportError(`${what} cannot be read: ${reason(cause)}`, { cause });
  });
  if (facts.isDirectory()) throw new ImportError(`${what} is a folder: name a file.`);
  const raw = () => createReadStream(path, { highWaterMark: 1 << 18, signal: options.signal }) as AsyncIterable<Buffer>;
  const size = facts.isFile() ? facts.size : null;
  return { ...base, name: path, fileName: basename(path), size, repeatable: facts.isFile(), open: text(raw) };
}

async function request(url: string, { signal, fetch: send = fetch }: SourceOptions): Promise<Response> {
  let response: Response;
  try {
    response = await send(url, { signal, headers: { accept: 'text/csv, */*;q=0.5' } });
  } catch (cause) {
    signal.throwIfAborted();
    throw new ImportError(`${withoutSecrets(url)} cannot be fetched: ${reason(cause)}`, { cause });
  }
  if (response.ok) return response;
  await response.body?.cancel();
  throw new ImportError(`${withoutSecrets(url)} answered with status ${response.status} ${response.statusText}.`);
}

const SECRET = /(key|token|secret|password|passwd|auth|sig)/i;

/** A URL that may be written into a book: no password, and no values of parameters that look like keys. */
export function withoutSecrets(text: string): string {
  const url = new URL(text);
  url.username = '';
  url.password = '';
  for (const name of url.searchParams.keys()) if (SECRET.test(name)) url.searchParams.set(name, '***');
  return url.href;
}

async function* count(chunks: AsyncIterable<Buffer>, counted: { bytes: number }): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    counted.bytes += chunk.length;
    yield Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk);
  }
}

/** Packed or not is told by the first bytes: names and headers of the web often lie. */
async function* unpacked(chunks: AsyncGenerator<Buffer>): AsyncGenerator<Buffer> {
  const head = await firstBytes(chunks, 4);
  const all = rejoin(head, chunks);
  if (head[0] === 0x50 && head[1] === 0x4b) {
    throw new ImportError('This is a ZIP archive or a spreadsheet: unpack it, or save it as CSV.');
  }
  if (head[0] !== 0x1f || head[1] !== 0x8b) return yield* all;
  const gunzip = createGunzip({ chunkSize: 1 << 17 });
  const input = Readable.from(all, { objectMode: false });
  input.once('error', (error) => gunzip.destroy(error));
  input.pipe(gunzip);
  try {
    for await (const chunk of gunzip) yield chunk as Buffer;
  } catch (cause) {
    if (cause instanceof ImportError || !isZlib(cause)) throw cause;
    throw new ImportError(
      `The gzip data is broken (${reason(cause)}): the file was cut off or damaged. Get it again.`,
      {
        cause,
      },
    );
  } finally {
    input.destroy();
  }
}

type Decoder = InstanceType<typeof TextDecoder>;

async function* asUtf8(chunks: AsyncGenerator<Buffer>, given: Decoder | null): AsyncGenerator<Buffer> {
  const head = await firstBytes(chunks, 3);
  const all = rejoin(head, chunks);
  const decoder = given ?? byMark(head);
  if (decoder === null) {
    let first = head[0] === 0xef && head[1] === 0xbb && head[2] === 0xbf;
    for await (const chunk of all) {
      yield first ? chunk.subarray(3) : chunk;
      first = false;
    }
    return;
  }
  for await (const chunk of all) yield Buffer.from(decoder.decode(chunk, { stream: true }));
  yield Buffer.from(decoder.decode());
}

function byMark(head: Buffer): Decoder | null {
  if (head[0] === 0xff && head[1] === 0xfe) return new TextDecoder('utf-16le');
  if (head[0] === 0xfe && head[1] === 0xff) return new TextDecoder('utf-16be');
  return null;
}

function decoderFor(encoding: string): Decoder {
  try {
    return new TextDecoder(encoding);
  } catch (cause) {
    throw new ImportError(`The encoding "${encoding}" is not known: try utf-8, utf-16le or windows-1252.`, { cause });
  }
}

function isZlib(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('Z_');
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.message : error.message;
}
