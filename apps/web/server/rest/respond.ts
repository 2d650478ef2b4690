/** What every REST answer gets on its way out: CORS where the operator allows it, 304 where nothing changed, compression. */
import { promisify } from 'node:util';
import { brotliCompress, constants, createBrotliCompress, createGzip, gzip } from 'node:zlib';
import { Duplex } from 'node:stream';
import type { AllowedOrigins } from '../origins.ts';

const asBrotli = promisify(brotliCompress);
const asGzip = promisify(gzip);
/** Quick, since each answer is made anew: about the size of gzip's best in a tenth of the time. */
const BROTLI_QUALITY = 4;
const brotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: BROTLI_QUALITY } };
const COMPRESSED_FROM_BYTES = 1_024;
const COMPRESSIBLE = /^(application\/(problem\+)?json|text\/)/;

export async function respond(request: Request, origins: AllowedOrigins, response: Response): Promise<Response> {
  const shared = withCors(request, origins, response);
  if (isUnchanged(request, shared)) {
    await shared.body?.cancel();
    const headers = new Headers(shared.headers);
    for (const name of ['content-type', 'content-length', 'content-disposition']) headers.delete(name);
    return new Response(null, { status: 304, headers });
  }
  return compressed(request, shared);
}

/** What a browser asks before it lets another site's page send more than a plain GET. */
export function preflight(request: Request, origins: AllowedOrigins, allow: string): Response {
  const headers = {
    allow: `${allow}, HEAD, OPTIONS`,
    'access-control-allow-methods': `${allow}, HEAD`,
    'access-control-allow-headers': 'accept, if-none-match',
    'access-control-max-age': '600',
  };
  return withCors(request, origins, new Response(null, { status: 204, headers }));
}

function withCors(request: Request, origins: AllowedOrigins, response: Response): Response {
  response.headers.append('vary', 'origin');
  const origin = request.headers.get('origin');
  if (origin === null || !origins.isNamed(origin)) return response;
  response.headers.set('access-control-allow-origin', origins.all ? '*' : origin);
  response.headers.set('access-control-expose-headers', 'etag, link, retry-after');
  return response;
}

/** RFC 9110 §13.1.2: a list, or `*`; weak comparison. */
function isUnchanged(request: Request, response: Response): boolean {
  const etag = response.headers.get('etag');
  const held = request.headers.get('if-none-match');
  if (etag === null || held === null || response.status !== 200) return false;
  const plain = (tag: string) => tag.trim().replace(/^W\//, '');
  return held.trim() === '*' || held.split(',').some((tag) => plain(tag) === plain(etag));
}

async function compressed(request: Request, response: Response): Promise<Response> {
  response.headers.append('vary', 'accept-encoding');
  const encoding = chooseEncoding(request.headers.get('accept-encoding') ?? '');
  const type = response.headers.get('content-type') ?? '';
  if (encoding === null || response.body === null || !COMPRESSIBLE.test(type)) return response;
  const headers = new Headers(response.headers);
  headers.set('content-encoding', encoding);
  headers.delete('content-length');
  const init = { status: response.status, headers };
  if (type.startsWith('text/csv')) {
    const stream = encoding === 'br' ? createBrotliCompress(brotliOptions) : createGzip();
    const through = Duplex.toWeb(stream) as ReadableWritablePair<Uint8Array, Uint8Array>;
    return new Response(response.body.pipeThrough(through), init);
  }
  const plain = Buffer.from(await response.arrayBuffer());
  if (plain.length < COMPRESSED_FROM_BYTES)
    return new Response(plain, { status: response.status, headers: response.headers });
  const bytes = encoding === 'br' ? await asBrotli(plain, brotliOptions) : await asGzip(plain);
  return new Response(new Uint8Array(bytes), init);
}

/** The better one that is accepted; `q=0` refuses. */
function chooseEncoding(accept: string): 'br' | 'gzip' | null {
  const accepted = new Map(
    accept.split(',').map((range) => {
      const [name = '', ...parameters] = range.trim().toLowerCase().split(';');
      const quality = parameters.map((each) => /^\s*q=([\d.]+)/.exec(each)?.[1]).find((each) => each !== undefined);
      return [name.trim(), Number(quality ?? 1)] as const;
    }),
  );
  const quality = (name: string) => accepted.get(name) ?? accepted.get('*') ?? 0;
  if (quality('br') > 0 && quality('br') >= quality('gzip')) return 'br';
  return quality('gzip') > 0 ? 'gzip' : null;
}
