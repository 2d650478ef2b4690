/** All REST handlers: a Request in, a Response out. The SvelteKit routes only pass requests on to them. */
import type { Readiness } from '@tapecast/contracts/rest';
import type { Database } from '@tapecast/db/database';
import type { Logger } from '@tapecast/runtime/logger';
import type { StatusBoard } from '../hub/status-board.ts';
import type { Caller, Operators } from '../operator.ts';
import type { AllowedOrigins } from '../origins.ts';
import { answerActions, answerRepairs } from './actions.ts';
import type { Serving } from '../serving.ts';
import { asyncApiDocument } from './asyncapi.ts';
import { answerForecast } from './forecasts.ts';
import { answerCancelLabRun, answerLabRun, answerLabRuns, answerNewLabRun } from './lab.ts';
import { openApiDocument } from './openapi.ts';
import { answerPrices } from './prices.ts';
import { answering, problem, ProblemError } from './problem.ts';
import { preflight, respond } from './respond.ts';
import { answerScores } from './scores.ts';
import { answerTickers } from './tickers.ts';

export interface RestApi {
  tickers(request: Request): Promise<Response>;
  prices(request: Request, ticker: string): Promise<Response>;
  forecast(request: Request, ticker: string): Promise<Response>;
  scores(request: Request, ticker: string): Promise<Response>;
  actions(request: Request, ticker: string): Promise<Response>;
  repairs(request: Request, ticker: string): Promise<Response>;
  labRuns(request: Request): Promise<Response>;
  labRun(request: Request, id: string): Promise<Response>;
  /** @param caller Node's own request: the guard of writes looks at its connection */
  newLabRun(request: Request, caller: Caller | undefined): Promise<Response>;
  cancelLabRun(request: Request, id: string, caller: Caller | undefined): Promise<Response>;
  openapi(request: Request): Promise<Response>;
  asyncapi(request: Request): Promise<Response>;
  healthz(request: Request): Promise<Response>;
  readyz(request: Request): Promise<Response>;
  /** For load balancers: whether clients may be sent here. */
  edgez(request: Request): Promise<Response>;
  /** Operators' routes: refused until there are accounts. */
  write(request: Request): Promise<Response>;
  notFound(request: Request): Promise<Response>;
  /** A path that exists, asked with a method that it does not have. */
  notAllowed(request: Request, allow: string): Promise<Response>;
}

export interface RestOptions {
  db: Database;
  serving: Serving;
  board: StatusBoard;
  logger: Logger;
  origins: AllowedOrigins;
  operators: Operators;
  basePath: string;
}

export function createRestApi(options: RestOptions): RestApi {
  const { db, serving, board, logger, origins, operators, basePath } = options;
  const guarded = async (request: Request, handle: () => Promise<Response>) =>
    respond(request, origins, await answering(request, logger, handle));
  const byOperator = async (request: Request, caller: Caller | undefined, handle: () => Promise<Response>) =>
    guarded(request, async () => {
      const refusal = operators.refusal(caller);
      if (refusal !== null) throw new ProblemError(403, refusal);
      return handle();
    });
  return {
    tickers: (request) => guarded(request, () => answerTickers(db, board)),
    prices: (request, ticker) => guarded(request, () => answerPrices(request, db, ticker, basePath)),
    forecast: (request, ticker) => guarded(request, () => answerForecast(request, db, ticker)),
    scores: (request, ticker) => guarded(request, () => answerScores(request, db, ticker)),
    actions: (request, ticker) => guarded(request, () => answerActions(request, db, ticker)),
    repairs: (request, ticker) => guarded(request, () => answerRepairs(request, db, ticker)),
    labRuns: (request) => guarded(request, () => answerLabRuns(request, db)),
    labRun: (request, id) => guarded(request, () => answerLabRun(db, id)),
    newLabRun: (request, caller) => byOperator(request, caller, () => answerNewLabRun(request, db, basePath)),
    cancelLabRun: (request, id, caller) => byOperator(request, caller, () => answerCancelLabRun(db, id)),
    openapi: (request) => guarded(request, async () => cacheable(Response.json(openApiDocument()))),
    asyncapi: (request) => guarded(request, async () => cacheable(Response.json(asyncApiDocument(basePath)))),
    healthz: async () => new Response('ok\n', { headers: { 'cache-control': 'no-store' } }),
    readyz: (request) => guarded(request, async () => readiness(serving.notReady())),
    edgez: (request) => guarded(request, async () => readiness(serving.refusals())),
    write: (request) =>
      guarded(request, async () =>
        problem(
          403,
          'This server takes no changes over HTTP: writing comes with accounts. Use TICKERS and the command line.',
        ),
      ),
    notFound: (request) =>
      guarded(request, async () =>
        problem(404, `There is nothing at ${new URL(request.url).pathname}; see ${basePath}/api/openapi.json.`),
      ),
    notAllowed: async (request, allow) =>
      request.method === 'OPTIONS'
        ? preflight(request, origins, allow)
        : problem(405, `${request.method} is not possible here.`, {}, { allow }),
  };
}

function cacheable(response: Response): Response {
  response.headers.set('cache-control', 'public, max-age=300');
  return response;
}

function readiness(reasons: string[]): Response {
  const body: Readiness = { ready: reasons.length === 0, reasons };
  return Response.json(body, { status: body.ready ? 200 : 503, headers: { 'cache-control': 'no-store' } });
}
