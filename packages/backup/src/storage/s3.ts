/** Archives in S3-compatible object storage. An object is there when its upload has ended, so there are no halves. */
import { Readable } from 'node:stream';
import { S3Client, S3Errors } from '@bradenmacdonald/s3-lite-client';
import { BackupError } from '../errors.ts';
import { type S3Settings } from '../settings.ts';
import { type Storage } from './storage.ts';

/** Of uploads and downloads. Up to four of them are in memory at once; 10,000 of them are the most that S3 takes: 160 GB a table. */
const PART_BYTES = 16 << 20;

export function openS3(target: string, settings: S3Settings): Storage {
  const { bucket, prefix } = parseTarget(target);
  const { S3_ACCESS_KEY_ID: accessKey, S3_SECRET_ACCESS_KEY: secretKey } = settings;
  if (accessKey === undefined || secretKey === undefined) {
    throw new BackupError(
      `${target} needs S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY in the environment (or the same names with _FILE, for secrets).`,
    );
  }
  const client = new S3Client({
    endPoint: settings.S3_ENDPOINT ?? `https://s3.${settings.S3_REGION}.amazonaws.com`,
    region: settings.S3_REGION,
    bucket,
    accessKey,
    secretKey,
    ...(settings.S3_SESSION_TOKEN === undefined ? {} : { sessionToken: settings.S3_SESSION_TOKEN }),
  });
  const explain = async <T>(what: string, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (cause) {
      if (!(cause instanceof Error)) throw cause;
      throw new BackupError(`${what}: ${explainS3(cause, bucket)}`, { cause });
    }
  };
  return {
    place: `s3://${bucket}/${prefix}`,
    write: async (path, source) => {
      const body = Readable.toWeb(source) as ReadableStream<Uint8Array>;
      await explain(`s3://${bucket}/${prefix}${path} cannot be written`, () =>
        client.putObject(prefix + path, body, { partSize: PART_BYTES }),
      );
    },
    read: async (path) => {
      const what = `s3://${bucket}/${prefix}${path} cannot be read`;
      const { size } = await explain(what, () => client.statObject(prefix + path));
      // Piece by piece, each wholly in memory: one answer that waits for a slow database meets time limits on both sides.
      const pieces = async function* () {
        for (let offset = 0; offset < size; offset += PART_BYTES) {
          const length = Math.min(PART_BYTES, size - offset);
          yield await explain(what, async () => {
            const answer = await client.getPartialObject(prefix + path, { offset, length });
            return Buffer.from(await answer.arrayBuffer());
          });
        }
      };
      return Readable.from(pieces());
    },
    list: async function* () {
      const found = client.listObjects({ prefix });
      for (;;) {
        const next = await explain(`s3://${bucket}/${prefix} cannot be listed`, () => found.next());
        if (next.done === true) return;
        yield { path: next.value.key.slice(prefix.length), modified: next.value.lastModified };
      }
    },
    remove: (path) =>
      explain(`s3://${bucket}/${prefix}${path} cannot be removed`, () => client.deleteObject(prefix + path)),
  };
}

function parseTarget(target: string): { bucket: string; prefix: string } {
  const [, bucket, path = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(target) ?? [];
  if (bucket === undefined) throw new BackupError(`${target}: write s3://bucket/prefix, the bucket in lower case.`);
  const prefix = path.replace(/^\/+|\/+$/g, '');
  return { bucket, prefix: prefix === '' ? '' : `${prefix}/` };
}

function explainS3(error: Error, bucket: string): string {
  if (error instanceof S3Errors.ServerError) {
    if (error.code === 'NoSuchBucket') return `there is no bucket ${bucket}; create it first`;
    if (error.statusCode === 404) return 'it is not there';
    if (error.statusCode === 403)
      return `the storage refuses these credentials (${error.code}): check S3_ACCESS_KEY_ID, S3_SECRET_ACCESS_KEY, S3_REGION and the rights on ${bucket}`;
    return `${error.code}: ${error.message}`;
  }
  const cause = error.cause instanceof Error ? ` (${error.cause.message})` : '';
  return `${error.message}${cause}; check S3_ENDPOINT`;
}
