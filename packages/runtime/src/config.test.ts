import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, loadConfig } from './config.ts';
import { databaseSettings, databaseUrl, listenUrl, queueSettings, requireDatabase } from './settings.ts';

const schema = z.object({
  PORT: z.coerce.number().int().default(3000),
  TOKEN: z.string(),
  QUEUE_URL: queueSettings.QUEUE_URL,
});

describe('loadConfig', () => {
  it('names every mistake at once', () => {
    const load = (): unknown => loadConfig(schema, { PORT: 'x', QUEUE_URL: 'amqp://here' });
    expect(load).toThrow(ConfigError);
    expect(load).toThrow(/PORT: [\s\S]*TOKEN: [\s\S]*QUEUE_URL: must begin with redis/);
  });

  it('takes an empty variable for unset', () => {
    expect(loadConfig(schema, { PORT: '', TOKEN: 't', QUEUE_URL: 'redis://q' }).PORT).toBe(3000);
  });

  it('reads the _FILE twin, without the line end that editors leave', () => {
    const file = join(mkdtempSync(join(tmpdir(), 'config-')), 'token');
    writeFileSync(file, 'secret\n');
    expect(loadConfig(schema, { TOKEN_FILE: file, QUEUE_URL: 'redis://q' }).TOKEN).toBe('secret');
  });

  it('refuses a file that cannot be read, and a variable given twice', () => {
    expect(() => loadConfig(schema, { TOKEN_FILE: '/does/not/exist', QUEUE_URL: 'redis://q' })).toThrow(
      /TOKEN_FILE: cannot be read/,
    );
    expect(() => loadConfig(schema, { TOKEN: 'a', TOKEN_FILE: '/x', QUEUE_URL: 'redis://q' })).toThrow(/not both/);
  });
});

describe('database settings', () => {
  const settings = z.object(databaseSettings).superRefine(requireDatabase);

  it('escape what a password may contain', () => {
    const config = loadConfig(settings, {
      POSTGRES_HOST: 'db',
      POSTGRES_USER: 'u',
      POSTGRES_PASSWORD: 'p@:/ü',
      POSTGRES_DB: 'd',
    });
    const url = new URL(databaseUrl(config));
    expect(decodeURIComponent(url.password)).toBe('p@:/ü');
    expect(url.host).toBe('db:5432');
    expect(listenUrl(config)).toBe(url.href);
  });

  it('ask a server with a CA of its own who it is', () => {
    const config = loadConfig(settings, { POSTGRES_HOST: 'db', POSTGRES_SSLROOTCERT: '/etc/ca bundle.pem' });
    const { searchParams } = new URL(databaseUrl(config));
    expect(Object.fromEntries(searchParams)).toEqual({ sslmode: 'verify-full', sslrootcert: '/etc/ca bundle.pem' });
  });

  it('prefer DATABASE_URL, and a LISTEN URL of its own', () => {
    const config = loadConfig(settings, {
      DATABASE_URL: 'postgres://pooler/d',
      DATABASE_LISTEN_URL: 'postgres://direct/d',
    });
    expect(databaseUrl(config)).toBe('postgres://pooler/d');
    expect(listenUrl(config)).toBe('postgres://direct/d');
  });

  it('say what to set when there is no database', () => {
    expect(() => loadConfig(settings, {})).toThrow(/DATABASE_URL: set DATABASE_URL, or POSTGRES_HOST/);
  });
});
