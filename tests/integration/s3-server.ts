/**
 * A small object storage that speaks S3 over HTTP, for tests: it checks every signature (AWS Signature Version 4, written from its
 * specification) and the hash of every body, and knows what an archive needs: put, get, delete, list, multipart.
 */
import { createHash, createHmac, randomUUID, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';

export interface S3Server {
  readonly endpoint: string;
  /** By `bucket/key`. */
  readonly objects: Map<string, Buffer>;
  /** Requests that were answered, such as `PUT part`. */
  readonly served: string[];
  close(): Promise<void>;
}

interface Credentials {
  accessKey: string;
  secretKey: string;
  region: string;
}

export async function startS3(credentials: Credentials, buckets: string[]): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, Map<number, Buffer>>();
  const served: string[] = [];

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await buffer(request);
    const url = new URL(request.url ?? '/', 'http://s3');
    const fail = (status: number, code: string) =>
      void response
        .writeHead(status)
        .end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>${code}</Message></Error>`);
    const refusal = checkSignature(request, url, body, credentials);
    if (refusal !== null) return fail(403, refusal);
    const [bucket = '', ...rest] = decodeURIComponent(url.pathname).slice(1).split('/');
    if (!buckets.includes(bucket)) return fail(404, 'NoSuchBucket');
    const key = rest.join('/');
    const name = `${bucket}/${key}`;
    const query = url.searchParams;
    const upload = query.get('uploadId');
    const etag = (bytes: Buffer): string => `"${createHash('md5').update(bytes).digest('hex')}"`;

    if (request.method === 'GET' && key === '') {
      served.push('LIST');
      const prefix = query.get('prefix') ?? '';
      const after = query.get('continuation-token') ?? '';
      const max = Math.min(Number(query.get('max-keys') ?? 1_000), 5); // few, so that a listing takes several
      const keys = [...objects.keys()]
        .map((object) => object.slice(bucket.length + 1))
        .filter((object) => object.startsWith(prefix) && object > after)
        .toSorted();
      const page = keys.slice(0, max);
      const more = keys.length > max;
      const rows = page.map((object) => {
        const bytes = objects.get(`${bucket}/${object}`) ?? Buffer.alloc(0);
        return `<Contents><Key>${escapeXml(object)}</Key><LastModified>${new Date().toISOString()}</LastModified><ETag>${escapeXml(etag(bytes))}</ETag><Size>${bytes.length}</Size></Contents>`;
      });
      const token = more ? `<NextContinuationToken>${escapeXml(page.at(-1) ?? '')}</NextContinuationToken>` : '';
      return void response.end(
        `<?xml version="1.0"?><ListBucketResult><IsTruncated>${more}</IsTruncated>${token}${rows.join('')}</ListBucketResult>`,
      );
    }
    if (request.method === 'POST' && query.has('uploads')) {
      const id = randomUUID();
      uploads.set(id, new Map());
      return void response.end(
        `<?xml version="1.0"?><InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
      );
    }
    if (upload !== null) {
      const parts = uploads.get(upload);
      if (parts === undefined) return fail(404, 'NoSuchUpload');
      if (request.method === 'PUT') {
        served.push('PUT part');
        parts.set(Number(query.get('partNumber')), body);
        return void response.writeHead(200, { etag: etag(body) }).end();
      }
      const numbers = [...body.toString().matchAll(/<PartNumber>(\d+)<\/PartNumber>/g)].map(([, number]) =>
        Number(number),
      );
      const bytes = Buffer.concat(numbers.map((number) => parts.get(number) ?? Buffer.alloc(0)));
      objects.set(name, bytes);
      uploads.delete(upload);
      return void response.end(
        `<?xml version="1.0"?><CompleteMultipartUploadResult><ETag>${escapeXml(etag(bytes))}</ETag></CompleteMultipartUploadResult>`,
      );
    }
    served.push(request.method ?? '');
    if (request.method === 'PUT') {
      objects.set(name, body);
      return void response.writeHead(200, { etag: etag(body) }).end();
    }
    if (request.method === 'DELETE') {
      objects.delete(name);
      return void response.writeHead(204).end();
    }
    const found = objects.get(name);
    if (found === undefined) return fail(404, 'NoSuchKey');
    const [, from = '0', to = String(found.length - 1)] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    const piece = found.subarray(Number(from), Number(to) + 1);
    const status = request.headers.range === undefined ? 200 : 206;
    // As some servers do, which must not matter to who reads slowly.
    const headers = {
      'content-length': piece.length,
      etag: etag(found),
      'last-modified': new Date().toUTCString(),
      connection: 'close',
    };
    response.writeHead(status, headers).end(request.method === 'HEAD' ? undefined : piece);
  };

  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    objects,
    served,
    close: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

/** @returns the code of the refusal; null when the request was signed with these credentials */
function checkSignature(request: IncomingMessage, url: URL, body: Buffer, credentials: Credentials): string | null {
  const header = request.headers.authorization ?? '';
  const [, key = '', day = '', region = '', signedHeaders = '', signature = ''] =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      header,
    ) ?? [];
  if (key !== credentials.accessKey) return 'InvalidAccessKeyId';
  if (region !== credentials.region) return 'AuthorizationHeaderMalformed';
  const names = signedHeaders.split(';');
  if (!names.includes('host') || !names.includes('x-amz-date')) return 'AccessDenied';
  const payload = sha256(body);
  if (request.headers['x-amz-content-sha256'] !== payload) return 'XAmzContentSHA256Mismatch';
  const encode = (text: string): string =>
    encodeURIComponent(text).replace(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);
  const path = url.pathname.split('/').map((part) => encode(decodeURIComponent(part)));
  const query = [...url.searchParams].map(([name, value]) => `${encode(name)}=${encode(value)}`).toSorted();
  const canonical = [
    request.method,
    path.join('/'),
    query.join('&'),
    ...names.map((name) => `${name}:${String(request.headers[name] ?? '').trim()}`),
    '',
    signedHeaders,
    payload,
  ].join('\n');
  const scope = `${day}/${region}/s3/aws4_request`;
  const toSign = ['AWS4-HMAC-SHA256', request.headers['x-amz-date'], scope, sha256(Buffer.from(canonical))].join('\n');
  const signing = [day, region, 's3', 'aws4_request'].reduce<Buffer>(hmac, Buffer.from(`AWS4${credentials.secretKey}`));
  const expected = hmac(signing, toSign);
  return timingSafeEqual(expected, Buffer.from(signature, 'hex')) ? null : 'SignatureDoesNotMatch';
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac('sha256', key).update(text).digest();
}

function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (sign) => `&#${sign.charCodeAt(0)};`);
}
