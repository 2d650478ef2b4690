import { migrate } from '@tapecast/db/migrate';
import { setRolePasswords } from '@tapecast/db/roles';

/** Brings the template database to the newest schema and lets the services' roles log in with `rolePassword`. */
export async function migrateTemplate(url: string, rolePassword: string): Promise<void> {
  await migrate({ url });
  const passwords = {
    tapecast_ingestor: rolePassword,
    tapecast_forecaster: rolePassword,
    tapecast_web: rolePassword,
  };
  await setRolePasswords({ url, passwords });
}
