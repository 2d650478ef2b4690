/**
 * Frames as bytes, made once for all clients that are due the same. What a frame is made of (a change, a status, a
 * forecast) is stringified for the first client that is due it; a whole frame is kept for the others with the same dues.
 */
const OPENING = { bars: '2["bars",[', forecasts: '2["forecasts",[', status: '2["status",[' } as const;
export type FrameEvent = keyof typeof OPENING;

const COMMA = 0x2c;
const CLOSING = Buffer.from(']]');
/** Kept frames are dropped together beyond this: it only has to last for one round of flushes. */
const MOST_KEPT_BYTES = 1_024 * 1_024;

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

interface Kept {
  event: FrameEvent;
  items: readonly object[];
  frame: Frame;
}

export class FrameEncoder {
  readonly #parts = new WeakMap<object, Part>();
  /** By a number made of the ids of their parts. */
  readonly #kept = new Map<number, Kept>();
  readonly #scratch: Buffer[] = [];
  #keptBytes = 0;
  #nextId = 0;

  /** Items are told apart by identity: whoever changes one makes a new one, and leaves the list as it is. */
  encode(event: FrameEvent, items: readonly object[]): Frame {
    const parts = this.#scratch;
    let hash = event.length;
    let length = MESSAGE.length + OPENING[event].length + Math.max(0, items.length - 1) + CLOSING.length;
    for (let index = 0; index < items.length; index += 1) {
      const { id, json } = this.#part(items[index] as object);
      hash = (Math.imul(hash, 31) + id) | 0;
      length += json.length;
      parts[index] = json;
    }
    const kept = this.#kept.get(hash);
    if (kept !== undefined && kept.event === event && same(kept.items, items)) return kept.frame;
    const frame = assemble(OPENING[event], parts, items.length, length);
    this.#keep(hash, { event, items, frame });
    return frame;
  }

  #keep(hash: number, kept: Kept): void {
    if (this.#keptBytes > MOST_KEPT_BYTES) {
      this.#kept.clear();
      this.#keptBytes = 0;
    }
    this.#kept.set(hash, kept);
    this.#keptBytes += kept.frame.bytes.length;
  }

  #part(item: object): Part {
    const known = this.#parts.get(item);
    if (known !== undefined) return known;
    const part = { id: (this.#nextId += 1), json: Buffer.from(JSON.stringify(item)) };
    this.#parts.set(item, part);
    return part;
  }
}

function same(left: readonly object[], right: readonly object[]): boolean {
  if (left.length !== right.length) return false;
  for (let index = 0; index < left.length; index += 1) if (left[index] !== right[index]) return false;
  return true;
}

/** Engine.IO's packet type `message`, in front of Socket.IO's packet. */
const MESSAGE = '4';

/** @param length of the payload, bytes */
function assemble(opening: string, parts: readonly Buffer[], count: number, length: number): Frame {
  const start = headerLength(length);
  const bytes = Buffer.allocUnsafe(start + length);
  writeHeader(bytes, length);
  let at = start + bytes.write(MESSAGE + opening, start, 'latin1');
  for (let index = 0; index < count; index += 1) {
    const json = parts[index] as Buffer;
    if (index > 0) bytes[at++] = COMMA;
    bytes.set(json, at);
    at += json.length;
  }
  bytes.set(CLOSING, at);
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
