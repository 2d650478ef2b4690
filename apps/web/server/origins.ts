/** Which pages may use this server from a browser: its own, and those that the operator names. */
import type { Asked, TrustedProxies } from './client-address.ts';

export class AllowedOrigins {
  readonly #all: boolean;
  readonly #named: ReadonlySet<string>;
  readonly #proxies: TrustedProxies;

  /** @param origins such as `https://app.example`; `*` allows all */
  constructor(origins: readonly string[], proxies: TrustedProxies) {
    this.#all = origins.includes('*');
    this.#named = new Set(origins);
    this.#proxies = proxies;
  }

  /** Named by the operator, so that other sites' pages may read what is served. */
  isNamed(origin: string): boolean {
    return this.#all || this.#named.has(origin);
  }

  get all(): boolean {
    return this.#all;
  }

  /** Programs send no Origin; browsers always do where it matters. */
  allows(asked: Asked): boolean {
    const { origin } = asked.headers;
    if (origin === undefined || this.isNamed(origin)) return true;
    // The scheme is not compared: a proxy that ends TLS need not be trusted for its own pages to work.
    return hostOf(origin) === hostOf(this.#proxies.origin(asked) ?? '');
  }
}

/** @throws {TypeError} naming the first that is no origin */
export function parseOrigins(text: string): string[] {
  const origins = text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  for (const origin of origins) {
    if (origin !== '*' && (!URL.canParse(origin) || new URL(origin).origin !== origin)) {
      throw new TypeError(`${JSON.stringify(origin)} is no origin such as https://app.example`);
    }
  }
  return origins;
}

function hostOf(origin: string): string | null {
  return URL.canParse(origin) ? new URL(origin).host : null;
}
