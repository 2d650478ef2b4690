/**
 * Frames as bytes, made once for all clients that are due the same. What a frame is made of (a change, a status, a
 * forecast) is stringified for the first client that is due it; a whole frame is kept for the others with the same dues.
 */
const OPENING = { bars: '2["bars",[', forecasts: '2["forecasts",[', status: '2["status",[' } as const;
export type FrameEvent = keyof typeof OPENING;

const COMMA = 0x2c;
const CLOSING = Buffer.from(']]');
/** Kept frames are dropped together beyond this: it only has to last for one round of flushes. */
const MOST_KEPT_BYTES = 4 * 1_024 * 1_024;

export class Frame {
  /** The whole WebSocket frame, unmasked: Engine.IO hands it to the socket as it is. */
  readonly bytes: Buffer;
  readonly #payloadStart: number;

  constructor(bytes: Buffer, payloadStart: number) {
    this.bytes = bytes;
    this.#payloadStart = payloadStart;
  }

  /** The Socket.IO packet as text, for transports that are no WebSocket. */
  get text(): string {
    return this.bytes.toString('utf8', this.#payloadStart);
  }
}

interface Part {
  id: number;
  json: Buffer;
}

export class FrameEncoder {
  readonly #parts = new WeakMap<object, Part>();
  readonly #frames = new Map<string, Frame>();
  #keptBytes = 0;
  #nextId = 0;

  /** Items are told apart by identity: whoever changes one makes a new one. */
  encode(event: FrameEvent, items: readonly object[]): Frame {
    const parts = items.map((item) => this.#part(item));
    // Ids are never used again, so a kept frame cannot be out of date.
    const key = parts.length === 1 ? `${event}${parts[0]?.id}` : event + parts.map(({ id }) => id).join();
    const known = this.#frames.get(key);
    if (known !== undefined) return known;
    const frame = assemble(OPENING[event], parts);
    if (this.#keptBytes > MOST_KEPT_BYTES) {
      this.#frames.clear();
      this.#keptBytes = 0;
    }
    this.#frames.set(key, frame);
    this.#keptBytes += frame.bytes.length;
    return frame;
  }

  #part(item: object): Part {
    const known = this.#parts.get(item);
    if (known !== undefined) return known;
    const part = { id: (this.#nextId += 1), json: Buffer.from(JSON.stringify(item)) };
    this.#parts.set(item, part);
    return part;
  }
}

/** Engine.IO's packet type `message`, in front of Socket.IO's packet. */
const MESSAGE = '4';

function assemble(opening: string, parts: readonly Part[]): Frame {
  const commas = Math.max(0, parts.length - 1);
  const length =
    MESSAGE.length + opening.length + parts.reduce((sum, { json }) => sum + json.length, commas) + CLOSING.length;
  const start = headerLength(length);
  const bytes = Buffer.allocUnsafe(start + length);
  writeHeader(bytes, length);
  let at = start + bytes.write(MESSAGE + opening, start, 'latin1');
  for (const [index, { json }] of parts.entries()) {
    if (index > 0) bytes[at++] = COMMA;
    at += json.copy(bytes, at);
  }
  CLOSING.copy(bytes, at);
  return new Frame(bytes, start + MESSAGE.length);
}

const SHORT = 125;
const TWO_BYTES = 126;
const EIGHT_BYTES = 127;

function headerLength(length: number): number {
  if (length <= SHORT) return 2;
  return length < 0x1_00_00 ? 4 : 10;
}

/** RFC 6455 §5.2: FIN and the opcode of text, then the length. */
function writeHeader(bytes: Buffer, length: number): void {
  bytes[0] = 0x81;
  if (length <= SHORT) bytes[1] = length;
  else if (length < 0x1_00_00) {
    bytes[1] = TWO_BYTES;
    bytes.writeUInt16BE(length, 2);
  } else {
    bytes[1] = EIGHT_BYTES;
    bytes.writeBigUInt64BE(BigInt(length), 2);
  }
}
