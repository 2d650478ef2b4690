/** `/api/v1/lab/runs`: what was tried in the lab and what came of it; operators begin, repeat and cancel runs. */
import { randomInt } from 'node:crypto';
import { LabRequest, LabRunsQuery, MOST_OPEN_LAB_RUNS, type LabRun } from '@tapecast/contracts/lab';
import type { Database } from '@tapecast/db/database';
import { cancelLabRun, createLabRun, listLabRuns, readLabRun } from '@tapecast/db/lab-runs';
import { listTickers } from '@tapecast/db/tickers';
import { unknownTicker } from './prices.ts';
import { parseQuery, ProblemError } from './problem.ts';

const MOST_BODY_BYTES = 16_384;
const ENDED = new Set(['done', 'failed', 'cancelled']);

export async function answerLabRuns(request: Request, db: Database): Promise<Response> {
  const query = parseQuery(LabRunsQuery, new URL(request.url));
  return Response.json(await listLabRuns(db, query), { headers: { 'cache-control': 'no-store' } });
}

export async function answerLabRun(db: Database, id: string): Promise<Response> {
  const run = await findRun(db, id);
  // A run that has ended never changes again.
  const headers = ENDED.has(run.state)
    ? { 'cache-control': 'no-cache', etag: `W/"lab-${run.id}-${run.state}-${run.resultHash ?? run.finishedAt}"` }
    : { 'cache-control': 'no-store' };
  return Response.json(run, { headers });
}

export async function answerNewLabRun(request: Request, db: Database, basePath: string): Promise<Response> {
  const wanted = await parseBody(request);
  const run = 'repeatOf' in wanted ? await repetition(db, wanted.repeatOf) : wanted;
  const { ticker } = run.settings;
  if (!(await listTickers(db)).some((row) => row.ticker === ticker)) throw unknownTicker(ticker);
  const seed = run.seed ?? randomInt(2 ** 31);
  const id = await createLabRun(db, { ...run, seed });
  if (id === null) {
    throw new ProblemError(
      429,
      `${MOST_OPEN_LAB_RUNS} runs are waiting or at work; cancel one, or wait until one has ended.`,
    );
  }
  const location = `${basePath}/api/v1/lab/runs/${id}`;
  return Response.json(await findRun(db, String(id)), {
    status: 201,
    headers: { location, 'cache-control': 'no-store' },
  });
}

export async function answerCancelLabRun(db: Database, id: string): Promise<Response> {
  const run = await findRun(db, id);
  if (!(await cancelLabRun(db, run.id))) throw new ProblemError(409, `Run ${run.id} has ended already.`);
  return Response.json(await findRun(db, id), { headers: { 'cache-control': 'no-store' } });
}

/** The same settings, seed and last bar; the bars themselves may have been corrected since, which the data hash tells. */
async function repetition(db: Database, repeatOf: number) {
  const run = await findRun(db, String(repeatOf));
  if (run.result === null) throw new ProblemError(409, `Run ${repeatOf} has no result that could be repeated.`);
  const { until, bars } = run.result.data;
  return {
    settings: { ...run.settings, until, bars: Math.max(250, bars) },
    seed: run.seed,
    repeatOf: run.repeatOf ?? run.id,
  };
}

async function findRun(db: Database, id: string): Promise<LabRun> {
  const run = /^[1-9]\d{0,14}$/.test(id) ? await readLabRun(db, Number(id)) : null;
  if (run === null) throw new ProblemError(404, `There is no run ${JSON.stringify(id.slice(0, 20))} of the lab.`);
  return run;
}

async function parseBody(request: Request): Promise<LabRequest> {
  const text = Number(request.headers.get('content-length') ?? 0) > MOST_BODY_BYTES ? null : await request.text();
  if (text === null || text.length > MOST_BODY_BYTES) {
    throw new ProblemError(413, `A run is described in ${MOST_BODY_BYTES} bytes at most.`);
  }
  const json = parseJson(text);
  const parsed = LabRequest.safeParse(json);
  if (parsed.success) return parsed.data;
  // Of a union, the branch that was meant.
  const branch = typeof json === 'object' && json !== null && 'repeatOf' in json ? 1 : 0;
  const { error } = LabRequest.options[branch].safeParse(json);
  const errors = (error ?? parsed.error).issues.map(({ path, message }) => ({ name: path.join('.'), message }));
  throw new ProblemError(
    400,
    `These settings are wrong: ${errors.map(({ name }) => name || 'the body').join(', ')}.`,
    errors,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new ProblemError(400, 'The body is no JSON.');
  }
}
