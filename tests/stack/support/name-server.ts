/**
 * The tests' name server: it knows the stack's names, tells who it answers for, and sets the records that prove to a certificate
 * authority whose a name is (DNS-01), as a DNS provider does for whoever has its password.
 */
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createTcpServer, type AddressInfo } from 'node:net';
import { json } from 'node:stream/consumers';
import dnsPacket, { type Answer, type Packet, type Question } from 'dns-packet';
import { z } from 'zod';

export interface NameServer {
  /** As pebble wants it. */
  readonly address: string;
  /** What lego's provider `httpreq` is told: where records are set, and who may. `GET …/proven` lists the names of all proofs that were read, in turn. */
  readonly provider: { origin: string; user: string; password: string };
  close(): Promise<void>;
}

const PORT = 53; // nobody asks for another of a name server that a zone names
const TTL = 1;
const NO_SUCH_NAME = 3;
const Challenge = z.object({ fqdn: z.string(), value: z.string() });

/** @param options.here of this machine, where `db.` leads too @param options.edge where all other names of the zone lead */
export async function startNameServer(options: { zone: string; here: string; edge: string }): Promise<NameServer> {
  const { zone, here, edge } = options;
  const proofs = new Map<string, Set<string>>();
  const proven: string[] = [];

  function answers({ name, type }: Question): Answer[] {
    const asked = name.toLowerCase();
    if (type === 'TXT') {
      const values = [...(proofs.get(asked) ?? [])];
      if (values.length > 0) proven.push(asked.replace(/^_acme-challenge\./, ''));
      return values.map((data) => ({ type, name, ttl: TTL, data }));
    }
    const isProof = asked.startsWith('_acme-challenge.');
    if (type === 'A' && !isProof) {
      const data = asked === `ns.${zone}` || asked === `db.${zone}` ? here : edge;
      return [{ type, name, ttl: TTL, data }];
    }
    if (asked !== zone) return [];
    if (type === 'NS') return [{ type, name, ttl: TTL, data: `ns.${zone}` }];
    if (type !== 'SOA') return [];
    const times = { serial: 1, refresh: 60, retry: 60, expire: 60, minimum: TTL };
    return [{ type, name, ttl: TTL, data: { mname: `ns.${zone}`, rname: `operator.${zone}`, ...times } }];
  }

  function reply({ id = 0, questions = [] }: Packet): Packet {
    const ours = questions.every(({ name }) => `.${name.toLowerCase()}`.endsWith(`.${zone}`));
    const flags = dnsPacket.AUTHORITATIVE_ANSWER | (ours ? 0 : NO_SUCH_NAME);
    return { type: 'response', id, flags, questions, answers: ours ? questions.flatMap(answers) : [] };
  }
  // lego asks by UDP, pebble by TCP, each question on a connection of its own.
  const datagrams = createSocket('udp4', (message, { port, address }) =>
    datagrams.send(dnsPacket.encode(reply(dnsPacket.decode(message))), port, address),
  );
  const streams = createTcpServer((connection) => {
    connection.on('error', () => connection.destroy());
    connection.once('data', (message) =>
      connection.end(dnsPacket.streamEncode(reply(dnsPacket.streamDecode(message)))),
    );
  });
  datagrams.bind(PORT, here);
  streams.listen(PORT, here);
  await Promise.all([once(datagrams, 'listening'), once(streams, 'listening')]);

  const password = randomBytes(16).toString('hex');
  const login = `Basic ${Buffer.from(`traefik:${password}`).toString('base64')}`;
  const web = createServer((request, response) => {
    const end = (status: number, body = '') => response.writeHead(status).end(body);
    if (request.url === '/proven') return end(200, JSON.stringify(proven));
    if (request.headers.authorization !== login) return end(401);
    json(request)
      .then((body) => {
        const { fqdn, value } = Challenge.parse(body);
        const name = fqdn.toLowerCase().replace(/\.$/, '');
        const values = proofs.get(name) ?? new Set();
        if (request.url === '/present') values.add(value);
        else values.delete(value);
        proofs.set(name, values);
        end(200);
      })
      .catch((error: unknown) => end(400, String(error)));
  });
  web.listen(0, here);
  await once(web, 'listening');
  return {
    address: `${here}:${PORT}`,
    provider: { origin: `http://${here}:${(web.address() as AddressInfo).port}`, user: 'traefik', password },
    close: async () => {
      datagrams.close();
      streams.close();
      web.close();
      web.closeAllConnections();
    },
  };
}
