/**
 * Traefik and pebble (an ACME server for tests) from their Go modules, for a machine that reaches no registry. Of Traefik's ACME
 * library one file is written shorter: the list of the DNS-01 providers, some of whose modules no proxy has, and which are most
 * of what would be compiled. It keeps one, which asks a web server to set the records.
 */
import { chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CannotRunHere, isInstalled, orCannotRun } from './cannot-run.ts';
import { kept } from './kept.ts';
import { during, run } from './run.ts';

/** The newest whose modules the public proxy serves completely. */
export const TRAEFIK_VERSION = 'v3.6.0';
export const PEBBLE_VERSION = 'v2.10.3';
const TRAEFIK = `github.com/traefik/traefik/v3@${TRAEFIK_VERSION}`;
const LEGO = 'github.com/go-acme/lego/v4';
const PEBBLE = 'github.com/letsencrypt/pebble/v2';

const DNS_PROVIDERS = `package dns

import (
	"fmt"

	"github.com/go-acme/lego/v4/challenge"
	"github.com/go-acme/lego/v4/providers/dns/httpreq"
)

// NewDNSChallengeProviderByName knows one in this build.
func NewDNSChallengeProviderByName(name string) (challenge.Provider, error) {
	if name == "httpreq" {
		return httpreq.NewDNSProvider()
	}
	return nil, fmt.Errorf("unrecognized DNS provider: %s", name)
}
`;

export interface GoPrograms {
  traefik: string;
  pebble: string;
}

/**
 * Compiled once for a machine.
 *
 * @returns paths of statically linked programs @throws {CannotRunHere} without Go, or a way to its modules
 */
export async function buildGoPrograms(folder: string): Promise<GoPrograms> {
  await mkdir(folder, { recursive: true });
  // One after the other: each uses all cores.
  return {
    pebble: await compiled(`pebble-${PEBBLE_VERSION}`, (target) => buildPebble(folder, target)),
    traefik: await compiled(`traefik-${TRAEFIK_VERSION}-httpreq`, (target) => buildTraefik(folder, target)),
  };
}

async function compiled(name: string, make: (target: string) => Promise<void>): Promise<string> {
  return kept(name, async (target) => {
    if (!isInstalled('go')) throw new CannotRunHere(`Go is missing, which compiles ${name}`);
    await make(target);
  });
}

/** What is made on the way goes with `folder`. The compiler's own garbage collection costs a fifth of its time. */
function goEnvironment(folder: string): NodeJS.ProcessEnv {
  return { ...process.env, GOCACHE: join(folder, 'cache'), CGO_ENABLED: '0', GOFLAGS: '', GOGC: '400' };
}

async function buildTraefik(folder: string, target: string): Promise<void> {
  const source = join(folder, 'traefik');
  const lego = join(folder, 'lego');
  const options = { cwd: source, env: goEnvironment(folder), timeoutMs: 2_700_000 };
  await orCannotRun('Traefik’s source could not be had', () =>
    during('Downloading Traefik’s source', async () => {
      await copyModule(TRAEFIK, source, folder);
      const version = (await run('go', ['list', '-m', '-f', '{{.Version}}', LEGO], options)).trim();
      await copyModule(`${LEGO}@${version}`, lego, folder);
      await writeFile(join(lego, 'providers', 'dns', 'zz_gen_dns_providers.go'), DNS_PROVIDERS);
      await run('go', ['mod', 'edit', '-replace', `${LEGO}=${lego}`], options);
      await run('go', ['list', '-mod=mod', '-deps', './cmd/traefik'], options); // brings the modules that are needed, and no others
    }),
  );
  // Not optimised, and nothing for debuggers: as it runs here it is fast enough, and is compiled in little more than half the time.
  const flags = ['-mod=mod', '-trimpath', '-gcflags=all=-N -l -dwarf=false', '-ldflags=-s -w'];
  await during('Compiling Traefik', () => run('go', ['build', ...flags, '-o', target, './cmd/traefik'], options));
}

/** A module as it was published, in a folder that may be written. */
async function copyModule(module: string, target: string, cwd: string): Promise<void> {
  const { Dir } = JSON.parse(await run('go', ['mod', 'download', '-json', module], { cwd })) as { Dir: string };
  await cp(Dir, target, { recursive: true });
  await run('chmod', ['--recursive', 'u+w', target]);
}

async function buildPebble(folder: string, target: string): Promise<void> {
  const module = `${PEBBLE}@${PEBBLE_VERSION}`;
  const env = { ...goEnvironment(folder), GOBIN: join(folder, 'bin') };
  await orCannotRun('pebble’s source could not be had', () =>
    run('go', ['mod', 'download', module], { env, cwd: folder }),
  );
  await during('Compiling pebble', async () => {
    await run('go', ['install', `${PEBBLE}/cmd/pebble@${PEBBLE_VERSION}`], { env, cwd: folder });
    await cp(join(folder, 'bin', 'pebble'), target);
    await chmod(target, 0o755);
  });
}
