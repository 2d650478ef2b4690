/** Runs once per test run: starts PostgreSQL, prepares the template database that test files clone, and ends it. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { TestProject } from 'vitest/node';
import { startPostgres, type EmbeddedPostgres } from '../../apps/local/src/embedded.ts';
import { migrateTemplate } from './template.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Absent when only projects run that need no database. */
    postgres: { adminUrl: string; template: string; rolePassword: string } | null;
  }
}

const TEMPLATE = 'tapecast_template';

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const selected = project.vitest.projects.map(({ name }) => name);
  if (!selected.some((name) => /^(integration|e2e)/.test(name))) {
    project.provide('postgres', null);
    return async () => undefined;
  }
  const folder = await mkdtemp(join(tmpdir(), 'tapecast-test-'));
  await chmod(folder, 0o711); // under root, PostgreSQL runs as another user that has to pass through
  let server: EmbeddedPostgres | undefined;
  const teardown = async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  };
  try {
    server = await startPostgres({
      folder,
      settings: { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off', max_connections: '300' },
    });
    const rolePassword = randomBytes(12).toString('hex');
    const adminUrl = server.url('postgres');
    const admin = new pg.Client({ connectionString: adminUrl });
    await admin.connect();
    await admin.query(`CREATE DATABASE ${TEMPLATE}`).finally(() => admin.end());
    await migrateTemplate(server.url(TEMPLATE), rolePassword);
    project.provide('postgres', { adminUrl, template: TEMPLATE, rolePassword });
  } catch (error) {
    await teardown();
    throw error;
  }
  return teardown;
}
