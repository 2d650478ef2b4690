/** docs/data.md is written from the comments in the database: `npm test -- tests/integration/docs-data.test.ts -u` renews it. */
import pg from 'pg';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../support/postgres.ts';

let server: TestDatabase;
let client: pg.Client;
beforeAll(async () => {
  server = await createDatabase();
  client = new pg.Client({ connectionString: server.url });
  await client.connect();
});
afterAll(async () => {
  await client.end();
  await server.drop();
});

interface Column {
  relation: string;
  kind: string;
  about: string | null;
  column: string;
  type: string;
  nullable: boolean;
  comment: string | null;
}

const EXAMPLES = [
  `SELECT * FROM stock_prices_1h WHERE time > now() - interval '14 days' ORDER BY time, ticker;`,
  `SELECT ticker, time_bucket('1 day', time) AS day, avg(close) FROM stock_prices_1h GROUP BY 1, 2 ORDER BY 1, 2;`,
  `SELECT ticker, first(open, time), last(close, time) FROM stock_prices_1m GROUP BY ticker;`,
  `SELECT target_time, quantiles->>'0.5' AS median FROM stock_forecasts WHERE ticker = 'MSFT' AND shown ORDER BY made_at DESC, target_time;`,
];

const HEAD = `# The data model

People query these tables with any SQL tool: they are public, and change only by additions. This page is written from
the comments in the database (\`COMMENT ON …\` in sql/core) by tests/integration/docs-data.test.ts.

Times are \`timestamptz\`; prices are in the ticker's currency. \`time_bucket()\`, \`first()\` and \`last()\` work with and
without TimescaleDB:

\`\`\`sql
${EXAMPLES.join('\n')}
\`\`\`
`;

it('docs/data.md tells what the database tells', async () => {
  const { rows } = await client.query<Column>(`
    SELECT c.relname AS relation, CASE c.relkind WHEN 'v' THEN 'view' ELSE 'table' END AS kind, obj_description(c.oid) AS about,
      a.attname AS column, format_type(a.atttypid, a.atttypmod) AS type, NOT a.attnotnull AS nullable,
      col_description(c.oid, a.attnum) AS comment
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname <> 'schema_migrations'
    ORDER BY c.relkind, c.relname, a.attnum`);
  const relations = Map.groupBy(rows, (row) => row.relation);
  const sections = [...relations.entries()].map(([relation, columns]) => {
    const lines = columns.map(
      ({ column, type, nullable, kind, comment }) =>
        `| \`${column}\` | ${type}${nullable && kind === 'table' ? ', may be null' : ''} | ${comment ?? ''} |`,
    );
    const about = columns[0]?.about ?? '';
    return [
      `## ${relation} (${columns[0]?.kind})`,
      '',
      about,
      '',
      '| column | type | meaning |',
      '| --- | --- | --- |',
      ...lines,
      '',
    ].join('\n');
  });
  await expect([HEAD, ...sections].join('\n')).toMatchFileSnapshot('../../docs/data.md');
});

it.each(EXAMPLES)('the page\u2019s example runs: %s', async (statement) => {
  await expect(client.query(statement)).resolves.toBeDefined();
});
