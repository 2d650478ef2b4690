/** The services' roles. Migrations make them without the right to log in; a deployment gives them passwords. */
import pg from 'pg';

export const SERVICE_ROLES = ['tapecast_ingestor', 'tapecast_forecaster', 'tapecast_web'] as const;
export type ServiceRole = (typeof SERVICE_ROLES)[number];

/** Lets each service log in with its password. @param options.url an owner of the roles */
export async function setRolePasswords(options: {
  url: string;
  passwords: Record<ServiceRole, string>;
}): Promise<void> {
  const client = new pg.Client({ connectionString: options.url, connectionTimeoutMillis: 10_000 });
  await client.connect();
  try {
    for (const role of SERVICE_ROLES) {
      // ALTER ROLE takes no parameters: the server itself quotes them.
      const { rows } = await client.query<{ statement: string }>(
        `SELECT format('ALTER ROLE %I LOGIN PASSWORD %L', $1::text, $2::text) AS statement`,
        [role, options.passwords[role]],
      );
      if (rows[0] !== undefined) await client.query(rows[0].statement);
    }
  } finally {
    await client.end();
  }
}
