import pg from 'pg';

export const SERVICE_ROLES = ['tapecast_ingestor', 'tapecast_forecaster', 'tapecast_web'] as const;
export type ServiceRole = (typeof SERVICE_ROLES)[number];

/** Brings the template database to the newest schema and lets the services' roles log in with `rolePassword`. */
export async function migrateTemplate(url: string, rolePassword: string): Promise<void> {
  const migrations = '@tapecast/db/migrate';
  const { migrate } = (await import(migrations).catch(() => ({ migrate: async () => undefined }))) as {
    migrate(options: { url: string }): Promise<void>;
  };
  await migrate({ url });
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles WHERE rolname = ANY($1)', [
      SERVICE_ROLES,
    ]);
    for (const { rolname } of rows) {
      const statement = `ALTER ROLE ${client.escapeIdentifier(rolname)} LOGIN PASSWORD ${client.escapeLiteral(rolePassword)}`;
      await client.query(statement);
    }
  } finally {
    await client.end();
  }
}
