/** RFC 9457 answers: what went wrong, in words for the reader, and nothing of our insides. */
import { STATUS_CODES } from 'node:http';
import type { Problem } from '@tapecast/contracts/rest';
import { DatabaseUnavailableError } from '@tapecast/db/errors';
import type { Logger } from '@tapecast/runtime/logger';
import type { z } from 'zod';

const RETRY_AFTER_SECONDS = 5;

/** Thrown by handlers, answered by `answering`. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError';
  readonly status: number;
  readonly errors: Problem['errors'];

  constructor(status: number, detail: string, errors?: Problem['errors']) {
    super(detail);
    this.status = status;
    this.errors = errors;
  }
}

export function problem(
  status: number,
  detail: string,
  more: Partial<Problem> = {},
  headers: Record<string, string> = {},
): Response {
  const body: Problem = { type: 'about:blank', title: STATUS_CODES[status] ?? 'Error', status, detail, ...more };
  return Response.json(body, {
    status,
    headers: { ...headers, 'content-type': 'application/problem+json', 'cache-control': 'no-store' },
  });
}

export function parseQuery<S extends z.ZodObject>(schema: S, url: URL): z.output<S> {
  const parsed = schema.safeParse(Object.fromEntries(url.searchParams));
  if (parsed.success) return parsed.data;
  const errors = parsed.error.issues.map(({ path, message }) => ({ name: path.join('.'), message }));
  throw new ProblemError(400, `These parameters are wrong: ${errors.map(({ name }) => name).join(', ')}.`, errors);
}

/** Every way a handler can fail, as a problem. */
export async function answering(request: Request, logger: Logger, handle: () => Promise<Response>): Promise<Response> {
  try {
    return await handle();
  } catch (err) {
    if (err instanceof ProblemError) {
      return problem(err.status, err.message, err.errors === undefined ? {} : { errors: err.errors });
    }
    if (err instanceof DatabaseUnavailableError) {
      const headers = { 'retry-after': String(RETRY_AFTER_SECONDS) };
      return problem(503, 'The database does not answer. Try again in a few seconds.', {}, headers);
    }
    logger.error({ err, method: request.method, url: request.url }, 'a request could not be answered');
    return problem(500, 'The server failed; the reason is in its log.');
  }
}
