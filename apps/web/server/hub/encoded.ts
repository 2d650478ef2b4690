/**
 * JSON that was made before, put into Socket.IO packets as it is: a snapshot that thousands ask for at once is
 * stringified once. Plugs into Socket.IO as its `parser`; what goes over the wire is the usual format.
 */
import { Decoder, Encoder, PacketType, type Packet } from 'socket.io-parser';

export class Encoded {
  readonly json: string;

  constructor(json: string) {
    this.json = json;
  }
}

class EncodedEncoder extends Encoder {
  /** Only acks carry prepared JSON; all else takes the usual way. */
  override encode(packet: Packet): ReturnType<Encoder['encode']> {
    const [answer] = packet.type === PacketType.ACK ? (packet.data as unknown[]) : [];
    if (!(answer instanceof Encoded)) return super.encode(packet);
    const namespace = packet.nsp === '/' ? '' : `${packet.nsp},`;
    return [`${packet.type}${namespace}${packet.id}[${answer.json}]`];
  }
}

export const encodedParser = { Encoder: EncodedEncoder, Decoder };
