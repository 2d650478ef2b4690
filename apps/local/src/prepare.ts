/** Brings the databases of this start to where services can log in: created, migrated, with a login for each. */
import { randomBytes } from 'node:crypto';
import { migrate } from '@tapecast/db/migrate';
import { setRolePasswords, type ServiceRole } from '@tapecast/db/roles';
import { databaseNames, databaseOf, ensureDatabase, ensureLogin, withDatabase, withLogin } from './databases.ts';
import type { ServiceName } from './services.ts';
import type { PriceSource } from './settings.ts';

export interface Logins {
  databaseUrls: Record<ServiceName, string>;
  queueUrl: string;
}

const QUEUE_ROLE = 'tapecast_queue';

/**
 * On our own server: a role for each service, with passwords that are new at every start and nowhere on disk.
 *
 * @param adminUrl any database of the server
 */
export async function prepareOwnServer(
  adminUrl: string,
  source: PriceSource,
  queueUrl: string | null,
): Promise<Logins> {
  const names = databaseNames('tapecast', source);
  await ensureDatabase(adminUrl, names.prices);
  const prices = withDatabase(adminUrl, names.prices);
  await migrate({ url: prices });
  const passwords = {
    tapecast_ingestor: newPassword(),
    tapecast_forecaster: newPassword(),
    tapecast_web: newPassword(),
  };
  await setRolePasswords({ url: adminUrl, passwords });
  const loginOf = (role: ServiceRole) => withLogin(prices, role, passwords[role]);
  return {
    databaseUrls: {
      ingestor: loginOf('tapecast_ingestor'),
      forecaster: loginOf('tapecast_forecaster'),
      web: loginOf('tapecast_web'),
    },
    queueUrl: queueUrl ?? (await prepareOwnQueue(adminUrl, names.queue)),
  };
}

async function prepareOwnQueue(adminUrl: string, name: string): Promise<string> {
  const password = newPassword();
  await ensureLogin(adminUrl, QUEUE_ROLE, password);
  await ensureDatabase(adminUrl, name, QUEUE_ROLE);
  return withLogin(withDatabase(adminUrl, name), QUEUE_ROLE, password);
}

/**
 * On a server that somebody else runs: the login of DATABASE_URL for all services, since giving its roles new passwords would lock out
 * whoever uses them. Simulated prices go to a database beside the given one.
 */
export async function prepareGivenServer(url: string, source: PriceSource, queueUrl: string | null): Promise<Logins> {
  const names = databaseNames(databaseOf(url), source);
  await ensureDatabase(url, names.prices); // also the first connection, whose failure is explained
  const prices = withDatabase(url, names.prices);
  await migrate({ url: prices });
  if (queueUrl === null) await ensureDatabase(url, names.queue);
  return {
    databaseUrls: { ingestor: prices, forecaster: prices, web: prices },
    queueUrl: queueUrl ?? withDatabase(url, names.queue),
  };
}

function newPassword(): string {
  return randomBytes(24).toString('base64url');
}
