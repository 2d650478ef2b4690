/**
 * Traefik and pebble (an ACME server for tests) from their Go modules, for a machine that reaches no registry. Of Traefik's
 * module one file of its ACME library is left out: the list of the DNS-01 providers, some of whose modules no proxy has, and
 * which are most of what would be compiled.
 */
import { chmod, cp, mkdir, rename, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { existsSync } from 'node:fs';
import { during, run } from './run.ts';

/** The newest whose modules the public proxy serves completely. */
export const TRAEFIK_VERSION = 'v3.6.0';
export const PEBBLE_VERSION = 'v2.10.3';
const TRAEFIK = `github.com/traefik/traefik/v3@${TRAEFIK_VERSION}`;
const LEGO = 'github.com/go-acme/lego/v4';
const PEBBLE = 'github.com/letsencrypt/pebble/v2';

const NO_DNS_PROVIDERS = `package dns

import (
	"fmt"

	"github.com/go-acme/lego/v4/challenge"
)

// NewDNSChallengeProviderByName knows none in this build.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	return nil, fmt.Errorf("unrecognized DNS provider: %s", name)
}
`;

/** Compiled once for a machine: kept where Go keeps what it compiled. */
async function kept(name: string, make: (target: string) => Promise<void>): Promise<string> {
  const folder = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tapecast-test-programs');
  const program = join(folder, name);
  if (existsSync(program)) return program;
  await mkdir(folder, { recursive: true });
  const unfinished = `${program}.${process.pid}`;
  await make(unfinished);
  await rename(unfinished, program);
  return program;
}

/** @returns path of a statically linked `traefik` */
export function buildTraefik(folder: string): Promise<string> {
  return kept(`traefik-${TRAEFIK_VERSION}`, (target) =>
    during('Compiling Traefik', async () => {
      const source = join(folder, 'traefik');
      const lego = join(folder, 'lego');
      await copyModule(TRAEFIK, source, folder);
      const version = (await run('go', ['list', '-m', '-f', '{{.Version}}', LEGO], { cwd: source })).trim();
      await copyModule(`${LEGO}@${version}`, lego, folder);
      await writeFile(join(lego, 'providers', 'dns', 'zz_gen_dns_providers.go'), NO_DNS_PROVIDERS);
      await run('go', ['mod', 'edit', '-replace', `${LEGO}=${lego}`], { cwd: source });
      const flags = ['-mod=mod', '-trimpath', `-ldflags=-s -w`];
      await run('go', ['build', ...flags, '-o', target, './cmd/traefik'], {
        cwd: source,
        env: { ...process.env, CGO_ENABLED: '0', GOFLAGS: '' },
        timeoutMs: 1_800_000,
      });
    }),
  );
}

/** A module as it was published, in a folder that may be written. */
async function copyModule(module: string, target: string, cwd: string): Promise<void> {
  const { Dir } = JSON.parse(await run('go', ['mod', 'download', '-json', module], { cwd })) as { Dir: string };
  await cp(Dir, target, { recursive: true });
  await run('chmod', ['--recursive', 'u+w', target]);
}

/** @returns paths of `pebble` and of the name server that comes with it */
export async function buildPebble(folder: string): Promise<{ pebble: string; nameServer: string }> {
  const install = (command: string) => (target: string) =>
    during(`Compiling ${command}`, async () => {
      const bin = join(folder, 'bin');
      const env = { ...process.env, GOBIN: bin, CGO_ENABLED: '0' };
      await run('go', ['install', `${PEBBLE}/cmd/${command}@${PEBBLE_VERSION}`], { env, cwd: folder });
      await cp(join(bin, command), target);
      await chmod(target, 0o755);
    });
  return {
    pebble: await kept(`pebble-${PEBBLE_VERSION}`, install('pebble')),
    nameServer: await kept(`pebble-challtestsrv-${PEBBLE_VERSION}`, install('pebble-challtestsrv')),
  };
}
