/** The queue board: what every queue does, for operators. bull-board's pages behind a guard of our own. */
import { once } from 'node:events';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { type AddressInfo } from 'node:net';
import { createBullBoard } from '@bull-board/api';
import { ExpressAdapter } from '@bull-board/express';
import { ALL_QUEUES } from '@tapecast/contracts/jobs';
import { openBoardQueues } from '@tapecast/queue/board-queues';
import { type RunningService, type ServiceContext } from '@tapecast/runtime/service';
import { refusal } from './request-guard.ts';
import { type Settings } from './settings.ts';

/** The pages bring all of their own. */
const HEADERS = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cache-control': 'no-store',
};

export async function startBoard(settings: Settings, { logger }: ServiceContext): Promise<RunningService> {
  const { BASE_PATH: basePath, HOST: host } = settings;
  const readOnly = settings.BOARD_WRITE !== 'true';
  const queues = openBoardQueues({
    url: settings.QUEUE_URL,
    names: ALL_QUEUES,
    readOnly,
    onError: (err) => logger.warn({ err }, 'the queue does not answer'),
  });
  const pages = new ExpressAdapter().setBasePath(basePath);
  createBullBoard({
    queues: queues.adapters,
    serverAdapter: pages,
    options: { uiConfig: { boardTitle: readOnly ? 'Tapecast queues (read only)' : 'Tapecast queues' } },
  });
  const answer = pages.getRouter() as RequestListener;
  const behindProxy = settings.BOARD_BEHIND_PROXY === 'true';

  const server = createServer((request, response) => {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value);
    const reason = refusal(request, { behindProxy });
    if (reason !== null) return end(response, 403, reason);
    if (!enterBasePath(request, basePath)) return end(response, 404, `The board is at ${basePath}/`);
    answer(request, response);
  });
  server.listen(settings.PORT, host);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  logger.info(
    { origin: `http://${host.includes(':') ? `[${host}]` : host}:${port}${basePath}/`, readOnly },
    'listening',
  );

  return {
    ready: () => [],
    stop: async () => {
      server.close();
      server.closeAllConnections();
      await queues.close();
    },
  };
}

/** Takes the base path off, as the pages' own routes have none. */
function enterBasePath(request: IncomingMessage, basePath: string): boolean {
  const url = request.url ?? '/';
  if (basePath === '') return true;
  if (url !== basePath && !url.startsWith(`${basePath}/`) && !url.startsWith(`${basePath}?`)) return false;
  const rest = url.slice(basePath.length);
  request.url = rest.startsWith('/') ? rest : `/${rest}`;
  return true;
}

function end(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`);
}
