/** The rows as their database tells them: the stack's own, or the one outside. */
import pg from 'pg';
import { runningTasks, type Docker } from './docker.ts';
import { world } from './outside.ts';
import { run } from './run.ts';
import { STACK } from './world.ts';

/** @returns rows as lines, columns divided by `|` */
export type Query = (statement: string) => Promise<string>;

/** Asked of the database itself, by its own client. @param docker of a manager @param node engine on which the database is */
export function stackDatabase(docker: Docker, node: Docker = docker): Query {
  return async (input) => {
    const [task] = await runningTasks(docker, `${STACK}_timescaledb`);
    if (task === undefined) throw new Error('the database does not run');
    const login = ['--username', 'tapecast', '--dbname', 'tapecast'];
    const psql = ['psql', ...login, '--no-psqlrc', '-At', '-v', 'ON_ERROR_STOP=1'];
    return node(['exec', '--interactive', task.container, ...psql], { input });
  };
}

/** By the administrator of the server that is no part of the stack. */
export function outsideDatabase(database = 'tapecast'): Query {
  return async (statement) => {
    const url = new URL(world.outside.admin);
    const client = new pg.Client({
      host: url.hostname,
      port: world.outside.port,
      user: url.username,
      password: decodeURIComponent(url.password),
      database,
      ssl: { ca: await run('cat', [world.outside.ca]), servername: world.outside.host },
    });
    await client.connect();
    try {
      const told = await client.query<unknown[]>({ text: statement, rowMode: 'array' });
      // Several statements at once have as many results.
      const results = Array.isArray(told) ? told : [told];
      return results.flatMap(({ rows }) => rows.map((row: unknown[]) => row.map(asPsql).join('|'))).join('\n');
    } finally {
      await client.end();
    }
  };
}

function asPsql(value: unknown): string {
  if (value === null || value === undefined) return '';
  if (typeof value === 'boolean') return value ? 't' : 'f';
  return typeof value === 'object' ? JSON.stringify(value) : String(value as string | number);
}

/** What a move or a restore must keep: all rows of what people query, in order. */
export function everything(query: Query): Promise<string> {
  const tables = ['stock_tickers', 'stock_prices_1m', 'stock_prices_1h', 'stock_prices_1d', 'stock_forecasts'];
  const sums = tables.map(
    (table) =>
      `SELECT '${table}', count(*), md5(string_agg(t::text, '' ORDER BY t::text COLLATE "C")) FROM ${table} AS t;`,
  );
  return query(sums.join('\n')).then((text) => text.trim());
}
