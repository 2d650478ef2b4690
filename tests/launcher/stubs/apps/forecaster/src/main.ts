/** Stands for the forecaster; prints the role that it logs in with, as the server sees it. */
import pg from 'pg';

const client = new pg.Client({ connectionString: process.env['DATABASE_URL'] });
client.on('error', () => process.exit(1));
await client.connect();
const { rows } = await client.query<{ who: string; where: string }>(
  'SELECT current_user AS who, current_database() AS where',
);
process.stdout.write(`connected as ${rows[0]?.who} to ${rows[0]?.where}\n`);
process.on('SIGTERM', () => void client.end());
