/** Who asks: the address of the connection, or, behind proxies that are trusted, the one that they name. */
import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP, SocketAddress } from 'node:net';

export interface Asked {
  headers: IncomingHttpHeaders;
  socket: { remoteAddress?: string | undefined };
}

export class TrustedProxies {
  readonly #networks = new BlockList();

  /** @param networks addresses or CIDR networks, as `parseNetworks` accepts them */
  constructor(networks: readonly string[] = []) {
    for (const network of networks) {
      const [address = '', prefix] = network.split('/');
      const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
      if (prefix === undefined) this.#networks.addAddress(address, family);
      else this.#networks.addSubnet(address, Number(prefix), family);
    }
  }

  trusts(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#networks.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }

  /** The nearest address that is no trusted proxy: what lies beyond it in X-Forwarded-For may be made up. */
  clientAddress({ headers, socket }: Asked): string {
    let address = plain(socket.remoteAddress ?? '');
    const forwarded = [headers['x-forwarded-for'] ?? []].flat().join().split(',');
    for (const hop of forwarded.map((text) => plain(text.trim())).reverse()) {
      if (!this.trusts(address) || isIP(hop) === 0) break;
      address = hop;
    }
    return address;
  }

  /** `https://host` as the client sees this server. */
  origin({ headers, socket }: Asked): string | null {
    const trusted = this.trusts(plain(socket.remoteAddress ?? ''));
    const host = (trusted ? first(headers['x-forwarded-host']) : undefined) ?? headers.host;
    const protocol = (trusted ? first(headers['x-forwarded-proto']) : undefined) ?? 'http';
    return host === undefined ? null : `${protocol}://${host}`;
  }
}

export function isLoopback(address: string): boolean {
  return address === '::1' || /^127\./.test(address);
}

/** @throws {TypeError} naming the first that is neither an address nor a network */
export function parseNetworks(text: string): string[] {
  const networks = text
    .split(',')
    .map((each) => each.trim())
    .filter((each) => each !== '');
  for (const network of networks) {
    const [address = '', prefix, ...rest] = network.split('/');
    const bits = isIP(address) === 6 ? 128 : 32;
    const good = isIP(address) !== 0 && rest.length === 0 && (prefix === undefined || isPrefix(prefix, bits));
    if (!good) throw new TypeError(`${JSON.stringify(network)} is neither an address nor a network such as 10.0.0.0/8`);
  }
  return networks;
}

function isPrefix(text: string, most: number): boolean {
  return /^\d{1,3}$/.test(text) && Number(text) <= most;
}

/** ::ffff:10.0.0.1 is 10.0.0.1, as a dual-stack server sees it. */
function plain(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
  return isIP(mapped) === 6 ? new SocketAddress({ address: mapped, family: 'ipv6' }).address : mapped;
}

function first(header: string | string[] | undefined): string | undefined {
  const [value] = [header ?? []].flat();
  return value?.split(',')[0]?.trim();
}
