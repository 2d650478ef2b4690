/** `GET /api/openapi.json`: the REST contract as OpenAPI 3.1, made from the schemas that validate it. */
import { ActionsAnswer, ActionsQuery, RepairsAnswer, RepairsQuery } from '@tapecast/contracts/actions';
import { Forecast } from '@tapecast/contracts/forecast';
import { LabRequest, LabRun, LabRunsAnswer, LabRunsQuery } from '@tapecast/contracts/lab';
import { ForecastQuery, PricesAnswer, PricesQuery, Problem, Readiness, TickersAnswer } from '@tapecast/contracts/rest';
import { Scorecard, ScoresQuery } from '@tapecast/contracts/scores';
import { Ticker } from '@tapecast/contracts/ticker';
import { z } from 'zod';

type Json = Record<string, unknown>;

export function openApiDocument(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Tapecast',
      version: '1',
      description:
        'Prices and forecasts. Times are Unix seconds UTC; a bar is [time, open, high, low, close, volume]. Live changes come over Socket.IO.',
    },
    paths: {
      '/api/v1/tickers': {
        get: operation('All active tickers with last price, change and freshness', TickersAnswer),
      },
      '/api/v1/prices/{ticker}': {
        get: operation('The newest bars of a range, rising; all of it as CSV', PricesAnswer, PricesQuery, {
          'text/csv': { schema: { type: 'string', description: 'time,open,high,low,close,volume; the whole range' } },
        }),
      },
      '/api/v1/forecasts/{ticker}': {
        get: operation('The newest forecast, or the newest that was known at asOf', Forecast, ForecastQuery),
      },
      '/api/v1/scores/{ticker}': {
        get: operation('How good the forecasts have been, per model and horizon', Scorecard, ScoresQuery),
      },
      '/api/v1/actions/{ticker}': {
        get: operation('Splits and dividends, by ex-date', ActionsAnswer, ActionsQuery),
      },
      '/api/v1/repairs/{ticker}': {
        get: operation('Bars that were repaired or are doubtful, newest first', RepairsAnswer, RepairsQuery),
      },
      '/api/v1/lab/runs': {
        get: {
          ...operation('Runs of the lab, newest first', LabRunsAnswer),
          parameters: queryParameters(LabRunsQuery),
        },
        post: write('Begin a run, or repeat one with the same settings, seed and last bar', 201, LabRun, LabRequest),
      },
      '/api/v1/lab/runs/{id}': {
        get: { ...operation('A run with all that came of it', LabRun), parameters: [runParameter()] },
      },
      '/api/v1/lab/runs/{id}/cancel': {
        post: { ...write('End a run that is waiting or at work', 200, LabRun), parameters: [runParameter()] },
      },
      '/healthz': { get: { summary: '200 while the process lives', responses: { 200: { description: 'alive' } } } },
      '/readyz': {
        get: {
          summary: '503 with the reasons while a dependency is missing',
          responses: { 200: content('ready', Readiness), 503: content('not ready', Readiness) },
        },
      },
      '/edgez': {
        get: {
          summary:
            'For load balancers: 503 before the first readiness and while the server stops, whatever its dependencies do meanwhile',
          responses: { 200: content('send clients here', Readiness), 503: content('send them elsewhere', Readiness) },
        },
      },
    },
  };
}

function operation(summary: string, answer: z.ZodType, query?: z.ZodObject, alsoAs: Json = {}): Json {
  const parameters = query === undefined ? [] : [tickerParameter(), ...queryParameters(query)];
  const ok = content('OK', answer);
  const failure = content('What went wrong', Problem, 'application/problem+json');
  const responses = {
    200: { ...ok, content: { ...(ok['content'] as Json), ...alsoAs } },
    400: failure,
    404: failure,
    503: failure,
  };
  return { summary, parameters, responses };
}

/** For operators: 403 for all others, see docs/lab.md. */
function write(summary: string, status: 200 | 201, answer: z.ZodType, body?: z.ZodType): Json {
  const failure = content('What went wrong', Problem, 'application/problem+json');
  const failures = Object.fromEntries([400, 403, 404, 409, 413, 429, 503].map((code) => [code, failure]));
  const requestBody = { required: true, content: { 'application/json': { schema: body && jsonSchema(body) } } };
  const responses = { [status]: content('OK', answer), ...failures };
  return { summary, ...(body === undefined ? {} : { requestBody }), responses };
}

function runParameter(): Json {
  return { name: 'id', in: 'path', required: true, schema: { type: 'integer', minimum: 1 } };
}

function content(description: string, schema: z.ZodType, type = 'application/json'): Json {
  return { description, content: { [type]: { schema: jsonSchema(schema) } } };
}

function tickerParameter(): Json {
  return { name: 'ticker', in: 'path', required: true, schema: jsonSchema(Ticker) };
}

function queryParameters(query: z.ZodObject): Json[] {
  const { properties, required } = jsonSchema(query) as { properties?: Json; required?: string[] };
  return Object.entries(properties ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: required?.includes(name) ?? false,
    schema,
  }));
}

/** As a caller writes it: before defaults and transformations. */
function jsonSchema(schema: z.ZodType): Json {
  return { ...z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }), $schema: undefined };
}
