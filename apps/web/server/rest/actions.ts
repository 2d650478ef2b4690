/** `GET /api/v1/actions/{ticker}` and `GET /api/v1/repairs/{ticker}`: what a chart marks besides its prices. */
import {
  ActionsQuery,
  RepairsQuery,
  type ActionsAnswer,
  type BarRepair,
  type RepairsAnswer,
} from '@tapecast/contracts/actions';
import { listActions } from '@tapecast/db/corporate-actions';
import type { Database } from '@tapecast/db/database';
import { listRepairs, STANDING, type RepairCase } from '@tapecast/db/repair-cases';
import { parseTicker, unknownTicker } from './prices.ts';
import { parseQuery } from './problem.ts';

const headers = { 'cache-control': 'no-cache' };

export async function answerActions(request: Request, db: Database, name: string): Promise<Response> {
  const range = parseQuery(ActionsQuery, new URL(request.url));
  const ticker = parseTicker(name);
  const actions = await listActions(db, { ticker, ...range });
  if (actions === null) throw unknownTicker(ticker);
  const answer: ActionsAnswer = { ticker, actions };
  return Response.json(answer, { headers });
}

export async function answerRepairs(request: Request, db: Database, name: string): Promise<Response> {
  const { resolution } = parseQuery(RepairsQuery, new URL(request.url));
  const ticker = parseTicker(name);
  const [repairs, actions] = await Promise.all([
    listRepairs(db, { ticker, resolution, states: STANDING }),
    listActions(db, { ticker }),
  ]);
  if (actions === null) throw unknownTicker(ticker);
  const answer: RepairsAnswer = { ticker, repairs: repairs.map(asTold) };
  return Response.json(answer, { headers });
}

function asTold({ id, resolution, time, rule, state, reason, old, new: made, foundAt }: RepairCase): BarRepair {
  return { id, resolution, time, rule, state, reason, old, new: made, foundAt };
}
