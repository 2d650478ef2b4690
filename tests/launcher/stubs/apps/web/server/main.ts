/** Stands for the web: ready at once, two tickers that have bars. */
import { createServer } from 'node:http';

const server = createServer((request, response) => {
  const path = request.url ?? '';
  if (path === '/readyz') return response.end('{}');
  if (path === '/pid') return response.end(String(process.pid));
  if (path === '/api/v1/tickers') return response.end(JSON.stringify([{ ticker: 'MSFT' }, { ticker: 'BTC-USD' }]));
  if (path.startsWith('/api/v1/prices/')) return response.end(JSON.stringify({ bars: [[0, 1, 1, 1, 1, 1]] }));
  return response.writeHead(404).end();
});
server.listen(Number(process.env['PORT']), process.env['HOST']);
process.on('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});
